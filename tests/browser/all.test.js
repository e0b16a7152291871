/** One process and one stack for all of them. */
import "./checks.js";
import "./element.js";
import "./access.js";

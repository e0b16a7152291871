/** Joins the page: the device runs checks, the panes show who sees what of them. */
import { showControls } from "./controls.js";
import { Device } from "./device.js";
import { showFrontend } from "./frontend-pane.js";
import { ServerPane } from "./server-pane.js";
import { Timeline } from "./timeline.js";

const place = (id) => document.getElementById(id);

const device = new Device(place("screen"));
const server = new ServerPane(place("server"));
const timeline = new Timeline(place("timeline"));

showFrontend(place("frontend"), device);
showControls(place("controls"), device, timeline);
device.addEventListener("begin", () => timeline.mark());
device.addEventListener("start", ({ detail }) => server.follow(detail));
timeline.addEventListener("change", ({ detail }) => server.heed(detail));
timeline.listen();

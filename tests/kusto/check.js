// Reads {tables, queries: {name: text}} and says what is wrong with each query.
"use strict";

const { globalsWith, findings } = require("./kusto.js");

const { tables, queries } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const globals = globalsWith(tables);
const answer = Object.entries(queries).map(([name, query]) => [name, findings(query, globals)]);
process.stdout.write(JSON.stringify(Object.fromEntries(answer)));

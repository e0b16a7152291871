// Reads {queries: {name: query}, rows: [{table, column: value, ...}]} and gives, by name, the rows that pass the first
// filters of a query, with what its extract() calls find in each. Knows as much of the language as our alerts use, and refuses the rest.
"use strict";

const { KustoCode, kindOf, childrenOf, walk } = require("./kusto.js");

const lower = (value) => String(value).toLowerCase();

const BINARY = {
  AndExpression: (left, right) => left && right,
  OrExpression: (left, right) => left || right,
  EqualExpression: (left, right) => left === right,
  EqualTildeExpression: (left, right) => lower(left) === lower(right),
  GreaterThanExpression: (left, right) => left > right,
  StartsWithExpression: (left, right) => lower(left).startsWith(lower(right)),
  ContainsExpression: (left, right) => lower(left).includes(lower(right)),
  MatchesRegexExpression: (left, right) => new RegExp(right).test(left),
};

const FUNCTIONS = {
  toint: (value) => Number.parseInt(value, 10),
  tolong: (value) => Number.parseInt(value, 10),
  extract: (pattern, group, text) => new RegExp(pattern).exec(text)?.[group] ?? null,
};

function argumentsOf(list, row) {
  return Array.from({ length: list.Expressions.Count }, (_, i) => valueOf(list.Expressions.getItem(i).Element, row));
}

function valueOf(node, row) {
  const kind = kindOf(node);
  if (kind in BINARY) return BINARY[kind](valueOf(node.Left, row), valueOf(node.Right, row));
  switch (kind) {
    case "NameReference":
      if (!(node.SimpleName in row)) throw new Error(`no column ${node.SimpleName} in ${row.table}`);
      return row[node.SimpleName];
    case "StringLiteralExpression":
      return node.ConstantValue;
    case "LongLiteralExpression":
      return Number(node.ConstantValue.toString());
    case "ParenthesizedExpression":
      return valueOf(node.Expression, row);
    case "BetweenExpression": {
      const value = valueOf(node.Left, row);
      return valueOf(node.Right.First, row) <= value && value <= valueOf(node.Right.Second, row);
    }
    case "InExpression":
      return argumentsOf(node.Right, row).includes(valueOf(node.Left, row));
    case "FunctionCallExpression":
      return FUNCTIONS[node.Name.SimpleName](...argumentsOf(node.ArgumentList, row));
    default:
      throw new Error(`an alert may not use ${kind} before its filters are over`);
  }
}

/** For each table that a query reads, the filters that follow it at once. */
function pipelines(syntax) {
  const found = [];
  for (const node of walk(syntax)) {
    if (kindOf(node) !== "NameReference" || kindOf(node.Parent) !== "PipeExpression") continue;
    const filters = [];
    let pipe = node.Parent;
    while (kindOf(pipe) === "PipeExpression" && kindOf(pipe.Operator) === "FilterOperator") {
      filters.push(pipe.Operator.Condition);
      pipe = pipe.Parent;
    }
    found.push({ table: node.SimpleName, filters });
  }
  return found;
}

function extractsOf(syntax) {
  return [...walk(syntax)].filter(
    (node) => kindOf(node) === "FunctionCallExpression" && node.Name.SimpleName === "extract"
  );
}

function matching(query, rows) {
  const { Syntax: syntax } = KustoCode.Parse(query);
  const passes = (row) =>
    pipelines(syntax).some(
      ({ table, filters }) => table === row.table && filters.every((filter) => valueOf(filter, row))
    );
  return rows.filter(passes).map((row) => ({ ...row, found: extractsOf(syntax).map((one) => valueOf(one, row)) }));
}

const { queries, rows } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const answer = Object.entries(queries).map(([name, query]) => [name, matching(query, rows)]);
process.stdout.write(JSON.stringify(Object.fromEntries(answer)));

// Microsoft's parser of Kusto queries. The package is one C# library compiled for browsers: it sets a global and
// exports nothing.
"use strict";

require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");

const { GlobalState, KustoCode, Symbols, Syntax } = globalThis.Kusto.Language;

/** The globals of a database that has these tables: {name: "(column: type, ...)"}. */
function globalsWith(tables) {
  const symbols = Object.entries(tables).map(([name, schema]) => new Symbols.TableSymbol.$ctor7(name, schema, null));
  return GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor("logs", symbols));
}

/** What is wrong with a query. */
function findings(query, globals) {
  const found = KustoCode.ParseAndAnalyze(query, globals).GetDiagnostics();
  return Array.from({ length: found.Count }, (_, i) => found.getItem(i)).map(
    (one) => `${one.Message} at "${query.substring(one.Start, one.Start + Math.max(one.Length, 20))}"`
  );
}

const kindOf = (node) => globalThis.System.Enum.toString(Syntax.SyntaxKind, node.Kind);

function childrenOf(node) {
  return Array.from({ length: node.ChildCount ?? 0 }, (_, i) => node.GetChild(i)).filter(Boolean);
}

/** A node and all below it. */
function* walk(node) {
  yield node;
  for (const child of childrenOf(node)) yield* walk(child);
}

module.exports = { KustoCode, globalsWith, findings, kindOf, childrenOf, walk };

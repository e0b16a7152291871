// Makes of docs/errors.json and its languages what the package ships, and takes the license along.
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const at = (path) => new URL(path, import.meta.url);
const read = (path) => JSON.parse(readFileSync(at(path), "utf8"));

// As guide.ts does it, which then needs only one or two spellings of each code.
const plain = (spelling) => spelling.replace(/[^A-Za-z0-9]/g, "").toLowerCase();
const distinct = (spellings) => [...new Set(spellings.map(plain))];

const { noError, unknown, codes } = read("../../docs/errors.json");
const table = {
  noError: distinct(noError),
  unknown,
  codes: Object.fromEntries(
    Object.entries(codes).map(([code, { retry, fault, spellings }]) => [
      code,
      { retry, fault, spellings: distinct([code, ...Object.values(spellings).flat()]) },
    ]),
  ),
};
const languages = readdirSync(at("../../docs/errors")).filter((name) => name.endsWith(".json"));
const texts = Object.fromEntries(
  languages.map((name) => [name.replace(".json", ""), read(`../../docs/errors/${name}`)]),
);

rmSync(at("dist"), { recursive: true, force: true });
rmSync(at("build"), { recursive: true, force: true });
copyFileSync(at("../../LICENSE"), at("LICENSE"));
writeFileSync(
  at("src/guide-data.ts"),
  `import type { GuideTable } from "./guide.js";

export const table: GuideTable = ${JSON.stringify(table)};

export const texts: Record<string, Record<string, string>> = ${JSON.stringify(texts)};
`,
);

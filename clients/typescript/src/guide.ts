import { table, texts } from "./guide-data.js";

export type Retry = "sameSession" | "newSession" | "giveUp";
export type Fault = "person" | "app" | "service";

/** Made of docs/errors.json; its spellings are plain ones. */
export interface GuideTable {
  noError: string[];
  unknown: string;
  codes: Record<string, { retry: Retry; fault: Fault; spellings: string[] }>;
}

/** What to do about an error of the SDK or of an attempt. */
export interface Guide {
  code: string;
  /** `sameSession` only while the session is `started`, else a new one. */
  retry: Retry;
  /** Who can mend it; the app's faults are yours. */
  fault: Fault;
  /** What to tell the person. */
  text: string;
  /** The language of the text. */
  language: string;
}

export const languages: readonly string[] = /* @__PURE__ */ Object.keys(texts);

/**
 * Look an error up, whichever platform spells it: `livenessError`, `recognitionError`, or the
 * `errorCode` of an attempt. Null where nothing is wrong. The language is a tag such as `de-CH`;
 * one that is not there is English.
 */
export function guide(error: string | null | undefined, language = "en"): Guide | null {
  const spelling = plain(error ?? "");
  if (spelling === "" || table.noError.includes(spelling)) return null;
  const code = codeOf(spelling);
  const { retry, fault } = table.codes[code]!;
  const known = findLanguage(language) ?? findLanguage(language.split("-")[0]!) ?? "en";
  return { code, retry, fault, text: texts[known]![code]!, language: known };
}

function findLanguage(tag: string): string | undefined {
  return languages.find((one) => one.toLowerCase() === tag.toLowerCase());
}

function codeOf(spelling: string): string {
  const codes = Object.keys(table.codes);
  return codes.find((code) => table.codes[code]!.spellings.includes(spelling)) ?? table.unknown;
}

function plain(spelling: string): string {
  return spelling.replace(/[^A-Za-z0-9]/g, "").toLowerCase();
}

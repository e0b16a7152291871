import assert from "node:assert/strict";
import { test } from "node:test";

import { guide, languages } from "@face-liveness-functions/client";

test("every platform's spelling of an error leads to the same advice", () => {
  for (const spelling of [
    "FaceWithMaskDetected",
    "faceWithMaskDetected",
    "FACE_WITH_MASK_DETECTED",
  ]) {
    assert.deepEqual(guide(spelling), {
      code: "FaceWithMaskDetected",
      retry: "sameSession",
      fault: "person",
      text: "Please take off your mask and try again.",
      language: "en",
    });
  }
  assert.equal(guide("ServerRequestTimedOut")?.code, "ServerTimedOut");
  assert.equal(guide("UserCancelledSession")?.retry, "newSession");
});

test("the text is in the language that is asked for, else in English", () => {
  assert.ok(["en", "de"].every((language) => languages.includes(language)));
  assert.match(guide("TimedOut", "de")!.text, /zu lange/);
  assert.equal(guide("TimedOut", "de-CH")!.language, "de");
  assert.equal(guide("TimedOut", "EN-us")!.language, "en");
  assert.equal(guide("TimedOut", "xx")!.language, "en");
});

test("no error is no advice, in all its spellings", () => {
  for (const nothing of [null, undefined, "", "None", "none", "NONE"]) {
    assert.equal(guide(nothing), null);
  }
});

test("an error that nobody knows yet is an unexpected one", () => {
  assert.deepEqual(guide("SomethingNewIn2030"), guide("Unexpected"));
  assert.equal(guide("constructor")!.code, "Unexpected");
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { type BuildOptions, build } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Bundle a page's script as a bundler does, and give the text. */
async function bundle(script: string, options: BuildOptions = {}): Promise<string> {
  const result = await build({
    stdin: { contents: script, resolveDir: root },
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
    logLevel: "silent",
    ...options,
  });
  return result.outputFiles![0]!.text;
}

test("a frontend's bundle has nothing of the server's entry, and the guide only where it is used", async () => {
  const client = await bundle(
    'import { FrontendClient } from "@face-liveness-functions/client"; console.log(FrontendClient);',
  );
  const guide = await bundle(
    'import { guide } from "@face-liveness-functions/client"; console.log(guide("TimedOut"));',
  );

  assert.match(client, /X-Session-Token/);
  assert.doesNotMatch(client, /x-functions-key|FormData|take off your mask/);
  assert.match(guide, /take off your mask/);
  assert.doesNotMatch(guide, /X-Session-Token/);
});

test("a bundle for a browser or a phone cannot have the server's entry", async () => {
  const script =
    'import { ServerClient } from "@face-liveness-functions/client/server"; console.log(ServerClient);';

  await assert.rejects(bundle(script), /only-on-a-server\.js" for import "ServerClient"/);
  await assert.rejects(bundle(script, { conditions: ["react-native"] }), /only-on-a-server\.js/);
  for (const options of [{ platform: "node" }, { conditions: ["workerd"] }] as BuildOptions[]) {
    assert.match(await bundle(script, options), /x-functions-key/);
  }
});

test("the package needs no other", () => {
  const manifest = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));

  assert.equal(manifest.dependencies ?? manifest.peerDependencies, undefined);
});

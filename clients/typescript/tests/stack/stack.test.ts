import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { FrontendClient, guide, LivenessError } from "@face-liveness-functions/client";
import { ServerClient, type StartReply } from "@face-liveness-functions/client/server";

import { startStack } from "../support/stack.js";

const stack = await startStack();
const server = new ServerClient({ baseUrl: stack.baseUrl, key: "local-function-key" });

// A check of another device each time, for one may have only so many at once.
const start = () => server.start({ deviceCorrelationId: randomUUID() });
const frontendOf = ({ sessionId, sessionToken }: StartReply) =>
  new FrontendClient({ baseUrl: stack.baseUrl, sessionId, sessionToken });

/** A JPEG by its first bytes, of a size that Face takes. */
const picture = () =>
  Uint8Array.from({ length: 2048 }, (_, index) => [0xff, 0xd8, 0xff][index] ?? 1);

test("a real face passes, and the frontend learns no more than that it is completed", async () => {
  const started = await start();
  const frontend = frontendOf(started);
  assert.equal((await frontend.status()).status, "started");

  const reply = await frontend.complete(await stack.play(started.authToken, "realface"));

  assert.deepEqual(reply, { sessionId: started.sessionId, status: "completed" });
  const result = await server.result(started.sessionId);
  assert.deepEqual([result.outcome, result.reasons, result.digest], ["passed", [], "matched"]);
});

test("a spoof is rejected", async () => {
  const started = await start();

  await frontendOf(started).complete(await stack.play(started.authToken, "spoofface"));

  const result = await server.result(started.sessionId);
  assert.deepEqual([result.outcome, result.reasons], ["rejected", ["Spoof"]]);
});

test("a mask is told by the guide, taken off, and the same session passes", async () => {
  const started = await start();
  const frontend = frontendOf(started);
  const said = await stack.play(started.authToken, "error:FaceWithMaskDetected");
  assert.equal(guide(said.livenessError)?.retry, "sameSession");

  assert.equal((await frontend.complete({ error: said })).status, "started");
  const reply = await frontend.complete(await stack.play(started.authToken, "realface"));

  assert.equal(reply.status, "completed");
  assert.equal((await server.result(started.sessionId)).outcome, "passed");
});

test("a reference image as bytes or as a blob makes it a check with verify", async () => {
  const device = { deviceCorrelationId: randomUUID() };
  const same = await server.start({ ...device, verifyImage: picture() });
  const other = await server.start({ ...device, verifyImage: new Blob([picture()]) });
  assert.equal(same.kind, "livenessWithVerify");

  await frontendOf(same).complete(await stack.play(same.authToken, "realface"));
  const another = await stack.play(other.authToken, "realface", { isIdentical: false });
  await frontendOf(other).complete(another);

  const { outcome, verify } = await server.result(same.sessionId);
  assert.deepEqual([outcome, verify?.verifyImageHash], ["passed", "matched"]);
  assert.deepEqual((await server.result(other.sessionId)).reasons, ["DifferentPerson"]);
});

test("a check that Face is slow to tell of is followed to its end", async () => {
  const started = await start();
  const said = await stack.play(started.authToken, "realface");
  await stack.fail("get", 1, 503);

  assert.equal((await frontendOf(started).complete(said)).status, "completed");
});

test("a canceled session has no outcome", async () => {
  const started = await start();
  const frontend = frontendOf(started);
  await assert.rejects(server.result(started.sessionId), { code: "SessionNotFinal", status: 409 });

  await frontend.cancel();

  const result = await server.result(started.sessionId);
  assert.deepEqual([result.status, result.outcome], ["canceled", null]);
});

test("a wrong token and a wrong key are refused", async () => {
  const started = await start();
  const wrong = { ...started, sessionToken: "x".repeat(43) };
  const stranger = new ServerClient({ baseUrl: stack.baseUrl, key: "not-the-key" });

  await assert.rejects(frontendOf(wrong).complete(), { code: "SessionNotFound", status: 404 });
  await assert.rejects(stranger.result(started.sessionId), { code: "Unauthorized", status: 401 });
  await assert.rejects(server.start({ deviceCorrelationId: "" }), {
    code: "InvalidRequest",
    target: "deviceCorrelationId",
  });
});

// The last one, for it moves the clock of all of them.
test("an expired token fails at the SDK, the session is abandoned and at last forgotten", async () => {
  const started = await start();
  const frontend = frontendOf(started);

  await stack.skip(3600);
  const said = await stack.play(started.authToken, "realface");
  assert.equal(guide(said.livenessError)?.retry, "newSession");
  await stack.sweepUntil(async () => (await frontend.status()).status === "abandoned");
  assert.equal((await frontend.complete(said)).status, "abandoned");

  await stack.skip(100 * 86_400);
  await stack.sweepUntil(async () => {
    const error = await server.result(started.sessionId).catch((failure: unknown) => failure);
    return error instanceof LivenessError && error.code === "SessionNotFound";
  });
  await assert.rejects(frontend.status(), { code: "SessionNotFound", status: 404 });
});

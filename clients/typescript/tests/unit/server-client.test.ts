import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { LivenessError as FrontendError } from "@face-liveness-functions/client";
import { LivenessError, ServerClient } from "@face-liveness-functions/client/server";

import { type App, refusal, type Step, serve } from "../support/app.js";

const started = { sessionId: "s-1", sessionToken: "t", authToken: "a", status: "started" };

async function worldOf(
  context: TestContext,
  ...steps: Step[]
): Promise<{ app: App; client: ServerClient }> {
  const app = await serve(context, ...steps);
  return { app, client: new ServerClient({ baseUrl: app.baseUrl, key: "function-key" }) };
}

async function formOf({ headers, body }: App["received"][0]): Promise<FormData> {
  const type = headers["content-type"] ?? "";
  return await new Response(body, { headers: { "Content-Type": type } }).formData();
}

test("a start is JSON with the function key and the idempotency key", async (context) => {
  const { app, client } = await worldOf(context, { status: 201, body: started });
  const request = { deviceCorrelationId: "d-1", reference: "order-7" };

  const reply = await client.start(request, { idempotencyKey: "0123456789abcdef" });

  assert.deepEqual(reply, started);
  const [{ call, headers, body }] = app.received as [App["received"][0]];
  assert.equal(call, "POST /api/sessions");
  assert.equal(headers["x-functions-key"], "function-key");
  assert.equal(headers["idempotency-key"], "0123456789abcdef");
  assert.deepEqual(JSON.parse(body.toString()), request);
});

test("a start with an image is a form that has every byte of it, and a length", async (context) => {
  const image = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 31) % 256);
  const form = { status: 201, body: started };
  const { app, client } = await worldOf(context, form, form, form);
  const fields = { deviceCorrelationIdSetInClient: true, userCorrelationId: null };

  await client.start({ ...fields, verifyImage: image });
  await client.start({ ...fields, verifyImage: new Blob([image], { type: "image/jpeg" }) });
  await client.start({ ...fields, verifyImage: new File([image], "") });

  for (const received of app.received) {
    // Azure Functions delivers a body in chunks empty.
    assert.equal(received.headers["content-length"], String(received.body.length));
    assert.equal(received.headers["transfer-encoding"], undefined);
    const sent = await formOf(received);
    assert.deepEqual([...sent.keys()], ["deviceCorrelationIdSetInClient", "verifyImage"]);
    assert.equal(sent.get("deviceCorrelationIdSetInClient"), "true");
    const file = sent.get("verifyImage") as File;
    assert.equal(file.name, "verifyImage");
    assert.deepEqual(new Uint8Array(await file.arrayBuffer()), image);
  }
});

test("an access token takes the key's place, and is asked for anew at each call", async (context) => {
  const app = await serve(context, { status: 200, body: {} }, { status: 200, body: {} });
  const tokens = ["first", "second"];
  const token = async () => tokens.shift()!;
  const client = new ServerClient({ baseUrl: app.baseUrl, token });

  await client.result("s-1");
  await client.result("s-1");

  const sent = app.received.map(({ headers }) => headers.authorization);
  assert.deepEqual(sent, ["Bearer first", "Bearer second"]);
  assert.equal(app.received[0]!.headers["x-functions-key"], undefined);
});

test("result, consume and image ask for one session, whatever its id looks like", async (context) => {
  const image = { status: 200, headers: { "Content-Type": "image/jpeg" }, body: "the bytes" };
  const result = { status: 200, body: { outcome: "passed" } };
  const { app, client } = await worldOf(context, result, result, image);

  assert.equal((await client.result("a/b")).outcome, "passed");
  assert.equal((await client.consume("a/b", "order-7")).outcome, "passed");
  const blob = await client.image("a/b");

  assert.deepEqual([blob.type, await blob.text()], ["image/jpeg", "the bytes"]);
  assert.deepEqual(
    app.received.map(({ call }) => call),
    [
      "GET /api/sessions/a%2Fb/result",
      "POST /api/sessions/a%2Fb/result/consume",
      "GET /api/sessions/a%2Fb/image",
    ],
  );
  assert.deepEqual(JSON.parse(app.received[1]!.body.toString()), { consumer: "order-7" });
});

test("a call is made once, and its error says when to make it again", async (context) => {
  const early = refusal(409, "SessionNotFinal", { retryAfterSeconds: 12 });
  const { app, client } = await worldOf(context, early, "reset");

  await assert.rejects(client.result("s-1"), { code: "SessionNotFinal", retryAfterSeconds: 12 });
  await assert.rejects(client.start({}), { code: "NetworkError", status: null });
  assert.equal(app.received.length, 2);
});

test("the platform's bare 401 for a wrong key is Unauthorized", async (context) => {
  const { client } = await worldOf(context, { status: 401 });

  await assert.rejects(client.result("s-1"), { code: "Unauthorized", status: 401 });
});

test("both entries have one and the same error", () => {
  assert.equal(LivenessError, FrontendError);
});

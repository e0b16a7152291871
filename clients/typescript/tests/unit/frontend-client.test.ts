import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { inspect } from "node:util";

import { FrontendClient, LivenessError } from "@face-liveness-functions/client";

import { type Answer, type App, refusal, type Step, serve } from "../support/app.js";
import { TestClock } from "../support/clock.js";

const session = { sessionId: "session/1", sessionToken: "secret-token" };
const said = { digest: "AB", resultId: "r-1", livenessStatus: "ResultQueryableFromService" };
const POLL = "GET /api/sessions/session%2F1";
const REPORT = "POST /api/sessions/session%2F1/complete";

const completed: Answer = { status: 200, body: { sessionId: "session/1", status: "completed" } };

function processing(retryAfterSeconds: number, status = 202): Answer {
  return { status, body: { sessionId: "session/1", status: "processing", retryAfterSeconds } };
}

interface World {
  app: App;
  clock: TestClock;
  client: FrontendClient;
  calls: () => string[];
}

async function worldOf(context: TestContext, ...steps: Step[]): Promise<World> {
  const app = await serve(context, ...steps);
  const clock = new TestClock();
  const client = new FrontendClient({ baseUrl: `${app.baseUrl}/`, ...session }, clock);
  return { app, clock, client, calls: () => app.received.map(({ call }) => call) };
}

test("a completion passes on the SDK's whole object with the session's token", async (context) => {
  const { app, client } = await worldOf(context, completed);

  assert.deepEqual(await client.complete(said), completed.body);

  const [{ call, headers, body }] = app.received as [App["received"][0]];
  assert.equal(call, REPORT);
  assert.equal(headers["x-session-token"], "secret-token");
  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers["content-length"], String(body.length));
  assert.deepEqual(JSON.parse(body.toString()), said);
});

test("a completion without a report has no body", async (context) => {
  const { app, client } = await worldOf(context, completed);

  await client.complete();

  assert.equal(app.received[0]!.body.length, 0);
  assert.equal(app.received[0]!.headers["content-type"], undefined);
});

test("a completion is followed as often as the app says, and reported once", async (context) => {
  const steps = [processing(2), processing(4, 200), processing(8, 200), completed];
  const { clock, client, calls } = await worldOf(context, ...steps);

  assert.equal((await client.complete(said)).status, "completed");

  assert.deepEqual(calls(), [REPORT, POLL, POLL, POLL]);
  assert.deepEqual(clock.waits, [2, 4, 8]);
});

test("following ends before a wait that would pass the bound, and tells processing", async (context) => {
  const { clock, client, calls } = await worldOf(context, processing(6), processing(6, 200));

  const reply = await client.complete(said, { timeoutSeconds: 10 });

  assert.deepEqual([reply.status, reply.retryAfterSeconds], ["processing", 6]);
  assert.deepEqual(clock.waits, [6]);
  assert.equal(calls().length, 2);
});

test("a report that did not get through is made again, with growing waits", async (context) => {
  const steps: Step[] = [
    "reset",
    { status: 502 },
    { status: 503, body: "<html>" },
    { status: 504 },
  ];
  const { app, clock, client, calls } = await worldOf(context, ...steps, "reset", completed);

  assert.equal((await client.complete(said)).status, "completed");

  assert.deepEqual(new Set(calls()), new Set([REPORT]));
  assert.deepEqual(clock.waits, [1, 2, 4, 8, 8]);
  assert.deepEqual(JSON.parse(app.received.at(-1)!.body.toString()), said);
});

test("a refusal that names its time is repeated then, by body or by header", async (context) => {
  const busy = refusal(503, "StoreUnavailable", { retryAfterSeconds: 5 });
  const gateway: Answer = { status: 429, headers: { "Retry-After": "7" } };
  const raced = refusal(409, "SessionConflict", { retryAfterSeconds: 1 });
  const { clock, client } = await worldOf(context, busy, gateway, raced, completed);

  assert.equal((await client.complete(said)).status, "completed");

  assert.deepEqual(clock.waits, [5, 7, 1]);
});

test("a poll that fails does not undo that the report was heard", async (context) => {
  const steps: Step[] = [
    processing(3),
    "reset",
    { status: 503 },
    processing(3, 200),
    "reset",
    completed,
  ];
  const { clock, client, calls } = await worldOf(context, ...steps);

  assert.equal((await client.complete(said)).status, "completed");

  assert.deepEqual(calls(), [REPORT, POLL, POLL, POLL, POLL, POLL]);
  assert.deepEqual(clock.waits, [3, 1, 2, 3, 1]);
});

test("an app that is away from then on leaves the session processing", async (context) => {
  const { client } = await worldOf(context, processing(2), "reset", "reset", "reset");

  const reply = await client.complete(said, { timeoutSeconds: 7 });

  assert.equal(reply.status, "processing");
});

test("an app that never answers within the bound is a network error", async (context) => {
  const { clock, client } = await worldOf(context, "reset", "reset", "reset", "reset", "reset");

  await assert.rejects(client.complete(said, { timeoutSeconds: 9 }), {
    name: "LivenessError",
    code: "NetworkError",
    status: null,
  });
  assert.deepEqual(clock.waits, [1, 2, 4]);
});

test("an answer that does not come is not waited for longer than a request may take", async (context) => {
  // The later answers are there in case this machine is too busy for the first of them.
  const answers = Array.from({ length: 8 }, () => completed);
  const app = await serve(context, "silence", ...answers);
  const options = { baseUrl: app.baseUrl, ...session, requestTimeoutSeconds: 1 };

  const reply = await new FrontendClient(options, new TestClock()).complete(said);

  assert.equal(reply.status, "completed");
  assert.ok(app.received.length > 1);
});

test("a refusal that waiting does not mend is thrown at once, with what the app said", async (context) => {
  const wrong = {
    status: 400,
    headers: { "x-ms-request-id": "invocation-1" },
    body: {
      error: {
        code: "InvalidRequest",
        message: "digest must be 64 hex digits",
        target: "digest",
        details: [{ code: "BadArgument", message: "Azure AI Face refused it." }],
      },
    },
  };
  const { clock, client } = await worldOf(context, wrong);

  await assert.rejects(client.complete(said), (error) => {
    assert.ok(error instanceof LivenessError && error instanceof Error);
    const { code, status, target, message, details, requestId, retryAfterSeconds } = error;
    assert.deepEqual([code, status, target], ["InvalidRequest", 400, "digest"]);
    assert.equal(message, "digest must be 64 hex digits");
    assert.deepEqual(details, wrong.body.error.details);
    assert.deepEqual([requestId, retryAfterSeconds], ["invocation-1", null]);
    return true;
  });
  assert.deepEqual(clock.waits, []);
});

test("Face refusing the app is no matter of waiting", async (context) => {
  const { client, calls } = await worldOf(context, refusal(502, "FaceRefused"));

  await assert.rejects(client.complete(said), { code: "FaceRefused", status: 502 });
  assert.equal(calls().length, 1);
});

test("an abort between two calls ends following with the signal's own reason", async (context) => {
  const app = await serve(context, processing(2), completed);
  const stop = new AbortController();
  const clock = new TestClock(() => stop.abort(new Error("the page was left")));
  const client = new FrontendClient({ baseUrl: app.baseUrl, ...session }, clock);

  await assert.rejects(client.complete(said, { signal: stop.signal }), /the page was left/);
  assert.equal(app.received.length, 1);
});

test("an abort during a call is no network error, and nothing is called afterwards", async (context) => {
  const { app, client } = await worldOf(context, "silence", completed);
  const stop = new AbortController();

  const completion = client.complete(said, { signal: stop.signal });
  const ended = assert.rejects(completion, /the page was left/);
  while (app.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort(new Error("the page was left"));

  await ended;
  await assert.rejects(client.status({ signal: stop.signal }), /the page was left/);
  assert.equal(app.received.length, 1);
});

test("status and cancel are one call each", async (context) => {
  const status = { ...session, kind: "liveness", status: "started", expiresInSeconds: 600 };
  const { app, client, calls } = await worldOf(
    context,
    { status: 200, body: status },
    { status: 204 },
    refusal(404, "SessionNotFound"),
  );

  assert.deepEqual(await client.status(), status);
  assert.equal(await client.cancel(), undefined);
  await assert.rejects(client.cancel(), { code: "SessionNotFound" });

  const CANCEL = "DELETE /api/sessions/session%2F1";
  assert.deepEqual(calls(), [POLL, CANCEL, CANCEL]);
  assert.equal(app.received[1]!.headers["x-session-token"], "secret-token");
});

test("the app's address may end with its prefix", async (context) => {
  const app = await serve(context, completed, completed);

  for (const end of ["/api", "/api/"]) {
    const client = new FrontendClient({ baseUrl: app.baseUrl + end, ...session });
    await client.complete();
  }

  const call = "POST /api/sessions/session%2F1/complete";
  assert.deepEqual(app.received.map(({ call }) => call), [call, call]);
});

test("an answer that is not the app's is an unexpected reply", async (context) => {
  const { client } = await worldOf(
    context,
    { status: 200, body: "<html>log in</html>" },
    { status: 404 },
  );

  await assert.rejects(client.status(), { code: "UnexpectedReply", status: 200 });
  await assert.rejects(client.status(), {
    code: "UnexpectedReply",
    status: 404,
    message: /^http:.*\/api\/sessions\/session%2F1 answered HTTP 404/,
  });
});

test("a redirect is not followed, so that nobody else is handed the token", async (context) => {
  const other = await serve(context, completed);
  const { client } = await worldOf(context, {
    status: 307,
    headers: { Location: `${other.baseUrl}/api/sessions/session%2F1` },
  });

  await assert.rejects(client.status(), { code: "NetworkError" });
  assert.deepEqual(other.received, []);
});

test("neither a client nor its errors show the token", async (context) => {
  const { client } = await worldOf(context, "reset");
  const error = await client.status().catch((failure: unknown) => failure);

  assert.doesNotMatch(inspect([client, error], { depth: 9 }), /secret-token/);
});

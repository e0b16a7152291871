/** Your server: it starts checks for signed-in users, and believes a result once. */
import { randomUUID } from "node:crypto";
import { DefaultAzureCredential } from "@azure/identity";
import express from "express";
import { createRemoteJWKSet, jwtVerify } from "jose";

const env = process.env;
const sessions = `${env.LIVENESS_URL ?? "http://127.0.0.1:7071"}/api/sessions`;
const key = env.LIVENESS_KEY ?? "local-function-key";
const scope = env.LIVENESS_SCOPE; // with SERVER_AUTH=entra: <ENTRA_AUDIENCE>/.default
const tenant = env.TENANT_ID ?? "11111111-1111-1111-1111-111111111111";
const authority = env.AUTHORITY ?? "http://127.0.0.1:7074"; // https://login.microsoftonline.com
const audience = env.EVENTS_AUDIENCE ?? "api://receiver";
const eventGrid = "4962773b-9cdb-44cf-a8bf-237846a00ab7"; // its application, in every tenant
const [expectedKind, maxAge] = ["liveness", 15 * 60 * 1000];
const credential = scope ? new DefaultAzureCredential() : null;
const signingKeys = createRemoteJWKSet(new URL(`${authority}/${tenant}/discovery/v2.0/keys`));
// What a database would keep: whose each session is, which events have come.
const [owners, events] = [new Map(), new Map()];

async function call(method, path = "", body = undefined) {
  const headers = credential
    ? { Authorization: `Bearer ${(await credential.getToken(scope)).token}` }
    : { "x-functions-key": key };
  if (body) headers["Content-Type"] = "application/json";
  return await fetch(sessions + path, { method, headers, body: body && JSON.stringify(body) });
}

/** Stands in for your own sign-in: never believe a header like this one. */
function signIn(request, response, next) {
  request.user = request.get("X-Demo-User");
  return request.user ? next() : response.sendStatus(401);
}

const app = express();
app.post("/checks", signIn, async ({ user }, response) => {
  const person = { userCorrelationId: user, deviceCorrelationId: `of-${user}` };
  const answer = await call("POST", "", person);
  if (answer.status !== 201) {
    return response.set("Retry-After", answer.headers.get("Retry-After") ?? "60").sendStatus(503);
  }
  const { sessionId, authToken, sessionToken } = await answer.json();
  owners.set(sessionId, user);
  response.json({ sessionId, authToken, sessionToken });
});

app.get("/checks/:id", signIn, async ({ user, params: { id } }, response) => {
  if (owners.get(id) !== user) return response.sendStatus(404);
  // Only the first consumer has the result: another one, even of this user's, gets ResultConsumed.
  const answer = await call("POST", `/${id}/result/consume`, { consumer: randomUUID() });
  const told = await answer.json();
  if (answer.ok) {
    const isOfUser = told.kind === expectedKind && told.userCorrelationId === user;
    const isFresh = Date.now() - Date.parse(told.endedAt) < maxAge;
    return response.json({ passed: told.outcome === "passed" && isOfUser && isFresh });
  }
  if (told.error.code === "ResultConsumed") return response.json({ passed: false });
  response.sendStatus(409); // not over yet
});

app.options("/events", (request, response) => {
  response.set("WebHook-Allowed-Origin", request.get("WebHook-Request-Origin")).end();
});

const json = express.json({ type: "application/cloudevents+json" });
app.post("/events", json, async (request, response) => {
  const token = request.get("Authorization")?.replace("Bearer ", "") ?? "";
  const rules = { audience, algorithms: ["RS256"] };
  const checked = await jwtVerify(token, signingKeys, rules).catch(() => null);
  if (!checked) return response.sendStatus(401);
  const { tid, appid, azp } = checked.payload;
  if (tid !== tenant || ![appid, azp].includes(eventGrid)) return response.sendStatus(403);
  const { id, type, subject } = request.body;
  if (!events.has(id)) console.log(type, subject); // a duplicate has the same id
  events.set(id, request.body);
  response.end();
});

app.listen(Number(env.PORT ?? 8000), "127.0.0.1");

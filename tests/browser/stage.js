/** What every test has: a whole stack, a browser, a page that is closed again, and ways to act on it. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { openBrowser } from "./browser.js";
import { startStack } from "./stack.js";

// Only so that a failure ends; nothing waits so long on the busiest machine.
const maxMs = 120_000;

export const world = { stack: null, context: null, page: null, responses: [], errors: [] };

let browser;

before(async () => {
  browser = await openBrowser();
  world.stack = await startStack();
});

after(async () => {
  await browser?.close();
  await world.stack?.stop();
});

beforeEach(async () => {
  // Whoever wants less motion gets no act, so that no test waits for one.
  world.context = await browser.newContext({ reducedMotion: "reduce" });
  world.context.setDefaultTimeout(maxMs);
  world.page = await world.context.newPage();
  world.responses = [];
  world.errors = [];
  world.page.on("pageerror", (error) => world.errors.push(error.message));
  world.page.on("response", (response) => world.responses.push(response));
  await world.page.goto(world.stack.pageUrl);
});

afterEach(async () => {
  await world.context.close();
  assert.deepEqual(world.errors, []);
});

export function it(name, run) {
  test(name, { timeout: maxMs }, run);
}

const region = (name) => world.page.getByRole("region", { name });

export const device = () => region("The person’s device");
export const frontend = () => region("What your frontend sees");
export const server = () => region("What your server sees");
export const upstream = () => region("What happens upstream");

export async function press(name) {
  await world.page.getByRole("button", { name, exact: true }).click();
}

export async function says(place, text) {
  await place.getByText(text).first().waitFor();
}

/** Start a check on the page, and wait until the element asks how it shall end. */
export async function startCheck() {
  await press("Start a check");
  await world.page.getByRole("button", { name: "A real face" }).waitFor();
}

/** Start a check as your server does it for a frontend. */
export async function start() {
  const answer = await fetch(`${world.stack.pageUrl}/server/start`, { method: "POST" });
  return await answer.json();
}

export async function walkAway() {
  await fetch(`${world.stack.pageUrl}/server/controls/walk-away`, { method: "POST" });
}

/** Wait until your server sees a session like this. */
export async function becomes(sessionId, status) {
  for (;;) {
    const answer = await fetch(`${world.stack.pageUrl}/server/result/${sessionId}`);
    const { body } = await answer.json();
    if (body.status === status) return body;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What the frontend learns of a check, step by step: never how it ended. */
import { make, shorten } from "./dom.js";

export function showFrontend(place, device) {
  const say = (...told) => place.append(step(...told));
  device.addEventListener("begin", () => place.replaceChildren());
  device.addEventListener("start", ({ detail: { sessionId, kind, expiresInSeconds } }) => {
    const tokens = { authToken: "for the SDK", sessionToken: "for the app" };
    say("Your server gave it", { sessionId, ...tokens }, `${words(kind)}, open for ${expiresInSeconds} s`);
  });
  device.addEventListener("said", ({ detail }) => {
    say(detail.digest ? "The SDK is done" : "The SDK gave up", detail);
  });
  device.addEventListener("answer", ({ detail: { status } }) => {
    const answer = ["The app answers ", make("b", {}, status), notes[status] ?? ""];
    place.lastElementChild.append(make("p", { class: "answer" }, ...answer));
  });
  device.addEventListener("refusal", ({ detail }) => say("That was refused", detail));
  place.append(make("li", { class: "empty" }, "Two tokens, what the SDK says, and a status. Never a verdict."));
}

const notes = {
  started: ": the session is open.",
  processing: ": it goes on by itself.",
  completed: ", and nothing more.",
};

function step(title, facts, note) {
  return make(
    "li",
    {},
    make("h3", {}, title),
    make(
      "dl",
      { class: "facts" },
      ...Object.entries(facts).flatMap(([name, value]) => [
        make("dt", {}, name),
        make("dd", { title: value }, shorten(String(value))),
      ]),
    ),
    note && make("p", { class: "note" }, note),
  );
}

function words(kind) {
  return kind === "liveness" ? "Liveness" : "Liveness with verify";
}

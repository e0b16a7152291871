/** What your server sees of a check: its end, with the verdict and all the reasons. */
import { make, shorten } from "./dom.js";
import { meanings, verdicts } from "./verdicts.js";

export class ServerPane {
  #place;
  #sessionId = null;
  #picture = null;
  #shown = "";
  #isFinal = false;
  #wait = null;

  constructor(place) {
    this.#place = place;
    this.#fill(make("p", { class: "empty" }, "The verdict, why, and every detail."));
  }

  /** Show a check from now on; the picture is the one that your server has sent along. */
  follow({ sessionId, picture }) {
    this.#sessionId = sessionId;
    this.#picture = picture;
    this.#shown = "";
    this.#isFinal = false;
    this.#askSoon();
  }

  /** Ask again when the check has ended, and when it may have got its picture or its event since. */
  heed(entries) {
    const matters = ({ actor, text, sessionId }) =>
      this.#isFinal
        ? actor === "queue"
        : sessionId === this.#sessionId && text.startsWith("session ended");
    if (entries.some(matters)) this.#askSoon();
  }

  #askSoon() {
    if (this.#sessionId && !this.#wait) this.#wait = setTimeout(() => this.#ask(), 150);
  }

  async #ask() {
    this.#wait = null;
    const sessionId = this.#sessionId;
    const answers = ["result", "events"].map((what) => fetch(`/server/${what}/${sessionId}`));
    const texts = await Promise.all(answers.map(async (answer) => (await answer).text())).catch(() => []);
    const text = texts.join();
    if (sessionId !== this.#sessionId || text === this.#shown) return;
    this.#shown = text;
    const [{ status, body, error = body?.error }, events] = texts.map(JSON.parse);
    this.#isFinal = status === 200;
    this.#fill(...(this.#isFinal ? await show(body, this.#picture, events) : [badge(open(status, error))]));
  }

  #fill(...content) {
    this.#place.replaceChildren(...content);
  }
}

function open(status, { code, message }) {
  const text = status ? `The result answers ${status} ${code}.` : message;
  return { name: "No verdict yet", tone: "open", text };
}

async function show(body, picture, events) {
  const parts = [
    badge(verdicts[body.outcome ?? body.status]),
    body.reasons.length > 0 && make("ul", { class: "reasons" }, body.reasons.map(reason)),
    make("div", { class: "findings" }, facts(body), await pictures(body, picture)),
    events.length > 0 && whole(`Event ${events.map(({ type }) => type).join(", ")}`, events),
    whole("The whole result", body),
  ];
  return parts.filter(Boolean);
}

function reason(name) {
  return make("li", {}, make("b", {}, name), ` ${meanings[name] ?? ""}`);
}

function whole(title, value) {
  const text = JSON.stringify(value, null, 2);
  return make("details", {}, make("summary", {}, title), make("pre", { tabindex: "0" }, text));
}

function badge({ name, tone, text }) {
  return make(
    "div",
    { class: "verdict", "data-tone": tone },
    make("strong", {}, name),
    make("span", {}, text),
  );
}

function facts(body) {
  const { attempt, verify, attempts } = body;
  const tries = attempts?.length ?? attempt.attemptCount;
  const told = {
    "Face says": body.livenessDecision,
    attempts: tries && (tries > 1 ? `${tries}, judged: ${attempt.attemptId}` : String(tries)),
    error: attempt.errorCode,
    "same person": verify && `${verify.isIdentical ? "yes" : "no"}, ${verify.matchConfidence}`,
    digest: body.digest,
    "SDK’s error": body.reported.livenessError,
    model: body.modelVersion,
    device: body.deviceCorrelationId && shorten(body.deviceCorrelationId),
    ended: body.endedAt && body.endedAt.slice(11, 19),
  };
  return make(
    "dl",
    { class: "facts" },
    Object.entries(told)
      .filter(([, value]) => value != null)
      .flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]),
  );
}

/** The picture to compare with, and the one of the check, where the app has kept it. */
async function pictures({ sessionId, sessionImage }, picture) {
  const shown = [picture && figure(picture, "compared with")];
  if (sessionImage === "stored") {
    const answer = await fetch(`/server/image/${sessionId}`);
    if (answer.ok) shown.push(figure(await answer.blob(), "taken in the check"));
  }
  const figures = shown.filter(Boolean);
  return figures.length > 0 && make("div", { class: "pictures" }, figures);
}

function figure(blob, caption) {
  const src = URL.createObjectURL(blob);
  return make("figure", {}, make("img", { src, alt: "" }), make("figcaption", {}, caption));
}

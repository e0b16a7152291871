/** Everything that happened upstream, in order of time, as it happens. */
import { make } from "./dom.js";

const names = {
  device: "device",
  frontend: "frontend",
  server: "server",
  app: "app",
  face: "Face",
  vault: "vault",
  queue: "queue",
  timer: "timer",
  operator: "operator",
};

export class Timeline extends EventTarget {
  #place;
  #entries = new Map();
  #marks = [];
  #follows = true;

  constructor(place) {
    super();
    this.#place = place;
    place.addEventListener("scroll", () => {
      this.#follows = place.scrollHeight - place.scrollTop - place.clientHeight < 40;
    });
    new ResizeObserver(() => this.#scroll()).observe(place);
    place.append(make("li", { class: "empty" }, "Quiet so far."));
  }

  listen() {
    const source = new EventSource("/server/timeline");
    source.addEventListener("message", ({ data }) => {
      const changes = JSON.parse(data);
      for (const entry of changes) this.#entries.set(entry.number, entry);
      this.#draw();
      this.dispatchEvent(new CustomEvent("change", { detail: changes }));
    });
    // A new stack counts from one again.
    source.addEventListener("error", () => this.#entries.clear());
  }

  /** Begin a check here: times count from it. */
  mark() {
    this.#marks.push(Date.now() / 1000);
  }

  #draw() {
    const entries = [...this.#entries.values()].sort((one, other) => one.time - other.time);
    this.#place.replaceChildren(...gather(entries).map((entry) => row(entry, this.#zero(entry))));
    this.#scroll();
  }

  /** Keep the newest in view, unless somebody has scrolled away from it. */
  #scroll() {
    if (this.#follows) this.#place.scrollTop = this.#place.scrollHeight;
  }

  #zero({ time }) {
    return this.#marks.findLast((mark) => mark <= time) ?? null;
  }
}

/** Tell what happens over and over as one. */
function gather(entries) {
  const told = [];
  for (const entry of entries) {
    const last = told.at(-1);
    const isSame = last?.text === entry.text && last.actor === entry.actor && last.status === entry.status;
    if (isSame) told[told.length - 1] = { ...entry, times: (last.times ?? 1) + 1 };
    else told.push(entry);
  }
  return told;
}

function row({ actor, text, by, status, tookMs, time, times }, zero) {
  const since = zero === null ? new Date(time * 1000).toTimeString().slice(0, 8) : seconds(time - zero);
  return make(
    "li",
    { "data-actor": actor },
    make("span", { class: "time" }, since),
    make("span", { class: "actor" }, names[actor] ?? actor),
    make("span", { class: "text" }, text, times && make("small", {}, ` ×${times}`), by && make("small", {}, ` for ${by}`)),
    make("span", { class: "took" }, tookMs ? `${tookMs} ms` : ""),
    status != null && make("span", { class: "status", "data-status": String(status)[0] }, status || "broken"),
  );
}

function seconds(value) {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)} s`;
}

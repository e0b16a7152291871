/** The frontend itself: starts a check, lets the SDK's element run, and says what it said. */
// With Microsoft's own SDK this import is all that changes.
import "/azure-ai-vision-face-ui.js";
import { FrontendClient, guide } from "/client/index.js";
import { make } from "./dom.js";
import { askForCheck, tell } from "./screens.js";

/** Tells by events what this side does and learns: `begin`, `start`, `said`, `answer`, `refusal`. */
export class Device extends EventTarget {
  #screen;
  #client = null;
  #authToken = "";

  constructor(screen) {
    super();
    this.#screen = screen;
    this.welcome();
  }

  welcome({ focus = false } = {}) {
    this.#client = null;
    this.#show(askForCheck((wish) => this.#start(wish)), focus);
  }

  async #start({ picture, keep }) {
    this.#tell("begin");
    const form = new FormData();
    if (picture) form.append("verifyImage", picture);
    if (keep) form.append("enableSessionImage", "true");
    const answer = await fetch("/server/start", { method: "POST", body: form });
    const started = await answer.json();
    if (!answer.ok) return this.#refuse(started.error);
    const { appUrl: baseUrl, sessionId, sessionToken } = started;
    this.#client = new FrontendClient({ baseUrl, sessionId, sessionToken });
    this.#authToken = started.authToken;
    this.#tell("start", { ...started, picture });
    await this.#check();
  }

  /** Run the SDK once; after an error the same session may have another try. */
  async #check() {
    const element = make("azure-ai-vision-face-ui", { locale: navigator.language });
    this.#show(element);
    const client = this.#client;
    const said = await element.start(this.#authToken).catch((failure) => failure);
    if (client !== this.#client) return;
    this.#tell("said", said);
    this.#show(tell({ title: "One moment", text: "We are looking at your check." }));
    await this.#complete(client, said);
  }

  async #complete(client, said) {
    try {
      const { status } = await client.complete(said);
      if (client !== this.#client) return;
      this.#tell("answer", { status });
      this.#show(this.#nextScreen(said, status), true);
    } catch (error) {
      if (client === this.#client) this.#refuse(error);
    }
  }

  #nextScreen(said, status) {
    const again = { "Start another check": () => this.welcome({ focus: true }) };
    if (status === "started") {
      const advice = guide(said.livenessError, navigator.language);
      const isOver = said.livenessError === "InvalidToken" || advice?.retry === "newSession";
      const choices = { "Try again": () => this.#check(), "Give up": () => this.#giveUp() };
      const text = advice?.text ?? said.livenessError;
      return tell({ title: "That did not work", text, choices: isOver ? again : choices });
    }
    if (status === "processing") {
      return tell({ title: "Still looking", text: "You may go; we will find out.", choices: again });
    }
    if (status === "completed" && said.livenessError) {
      return tell({ title: "It is over", text: "You can start another check.", choices: again });
    }
    if (status === "completed") {
      const text = "That is all we need. What comes of it, the service will tell you, not this device.";
      return tell({ title: "Thank you", text, choices: again, isDone: true });
    }
    return tell({ title: "The check has ended", text: "It was stopped.", choices: again });
  }

  async #giveUp() {
    await this.#client.cancel();
    this.#tell("answer", { status: "canceled" });
    this.welcome({ focus: true });
  }

  #refuse({ message }) {
    this.#tell("refusal", { message });
    const choices = { "Start another check": () => this.welcome({ focus: true }) };
    this.#show(tell({ title: "That did not work", text: message, choices }), true);
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #show(screen, focus = false) {
    this.#screen.replaceChildren(screen);
    if (focus) screen.querySelector("[tabindex]")?.focus({ preventScroll: true });
  }
}

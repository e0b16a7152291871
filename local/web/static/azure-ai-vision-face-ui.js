/**
 * A stand-in for Microsoft's web SDK of Face liveness, whose own files are given out on request only.
 * The same element with the same use; a frontend switches by changing the import. In place of looking
 * at a face it asks the developer how the check shall end, and plays that at the Face simulator.
 * https://github.com/Azure-Samples/azure-ai-vision-sdk/tree/main/samples/web
 */
import { drawnFace } from "./page/drawn-face.js";
import { guidance, isRightToLeft } from "./page/element-guidance.js";
import { sheet } from "./page/element-style.js";

// The simulator is a neighbor of whoever serves this file, seven ports below.
const attempts = new URL("/simulator/attempts", import.meta.url);
attempts.port = String(Number(attempts.port) - 7);

/** How a check may end: what the simulator is told, and what is to be seen meanwhile. */
const endings = {
  realface: { label: "A real face", play: { outcome: "realface" }, scene: "calm" },
  otherface: {
    label: "Another face",
    play: { outcome: "realface", isIdentical: false },
    scene: "other",
  },
  spoofface: { label: "A photo", play: { outcome: "spoofface" }, scene: "photo" },
  uncertain: { label: "Too dark", play: { outcome: "uncertain" }, scene: "dark" },
  mask: { label: "A mask", play: { outcome: "error:FaceWithMaskDetected" }, scene: "mask" },
  timeout: { label: "Nobody there", play: { outcome: "error:TimedOut" }, scene: "nobody" },
  cancel: { label: "Cancel", play: { outcome: "canceled" }, scene: "calm" },
};

// These befall the device before Face hears of anything.
const deviceErrors = ["CameraPermissionDenied", "CameraStartupFailure", "EnvironmentNotSupported"];
const faceErrors = [
  "NoFaceDetected",
  "FaceTrackingFailed",
  "SmileNotPerformed",
  "HeadTurnNotPerformed",
  "FaceEyeRegionNotVisible",
  "FaceMouthRegionNotVisible",
  "ExcessiveImageBlurDetected",
  "ExcessiveFaceBrightness",
  "UnexpectedServerError",
];

const frame = `
<div class="stage" data-scene="calm">
  <p class="guidance" role="status"></p>
  <div class="view">
    <div class="oval">${drawnFace}<video playsinline muted hidden></video></div>
    <svg class="ring" viewBox="0 0 300 400" aria-hidden="true">
      <ellipse cx="150" cy="200" rx="146" ry="196"/>
      <path class="progress" pathLength="100" d="M150 4a146 196 0 0 1 0 392a146 196 0 0 1 0-392"/>
    </svg>
  </div>
  <div class="tray" role="group" aria-labelledby="question" hidden>
    <p id="question">Stand-in for the SDK: <b>how shall this check end?</b></p>
    <div class="choices">
      ${Object.entries(endings)
        .map(([name, { label }]) => `<button type="button" data-ending="${name}">${label}</button>`)
        .join("")}
      <button type="button" class="camera" hidden>Use my camera</button>
    </div>
    <div class="other">
      <label for="error">Another error</label>
      <select id="error">
        ${[...faceErrors, ...deviceErrors].map((code) => `<option>${code}</option>`).join("")}
      </select>
      <button type="button" data-ending="error">Play</button>
    </div>
  </div>
  <div class="busy" hidden><button type="button" data-ending="cancel">Cancel</button></div>
</div>`;

export class FaceLivenessDetector extends HTMLElement {
  /** Texts of your own in place of the built-in ones, by the SDK's names for them. */
  languageDictionary = {};
  /** Which camera to use; whichever there is, unless told. */
  mediaInfoDeviceId = "";
  #shadow = this.attachShadow({ mode: "open" });
  #isRunning = false;
  #camera = null;

  constructor() {
    super();
    this.#shadow.adoptedStyleSheets = [sheet];
    this.#shadow.innerHTML = frame;
    this.#find(".camera").addEventListener("click", () => this.#openCamera());
  }

  /** The language of what the person is told; English where it is not known. */
  get locale() {
    return this.getAttribute("locale") ?? "en";
  }

  set locale(tag) {
    this.setAttribute("locale", tag);
  }

  disconnectedCallback() {
    this.#closeCamera();
  }

  /**
   * Check whoever is before the camera. Resolves with `resultId` and `digest`; rejects with
   * `livenessError` and `recognitionError`.
   */
  async start(authToken) {
    if (this.#isRunning) throw failure("UnexpectedClientError");
    this.#isRunning = true;
    this.#show("calm", "LookAtCamera", 0);
    try {
      await play(authToken, { outcome: "running" });
      await this.#offerCamera();
      const ending = await this.#ask();
      return await this.#act(authToken, ending);
    } finally {
      this.#isRunning = false;
      this.#find(".busy").hidden = true;
      this.#closeCamera();
    }
  }

  /** Let the developer choose, unless an `ending` attribute has chosen already. */
  async #ask() {
    const chosen = this.getAttribute("ending");
    if (chosen) return endingOf(chosen);
    this.#find(".tray").hidden = false;
    this.#find(".choices button").focus({ preventScroll: true });
    return endingOf(await this.#nextChoice(), this.#find("#error").value);
  }

  async #act(authToken, { play: script, scene, error }) {
    this.#find(".tray").hidden = true;
    this.#find(".busy").hidden = false;
    const canceled = this.#nextChoice();
    const acted = error || script.outcome === "canceled" ? "now" : this.#perform(scene);
    const first = await Promise.race([acted, canceled]);
    if (error) throw failure(error);
    return await play(authToken, first === "cancel" ? endings.cancel.play : script);
  }

  async #perform(scene) {
    this.#show(scene, "LookAtCamera", 5);
    if (scene === "nobody") {
      await pause(6);
      this.#show(scene, "TimedOut", 5);
      return await pause(1);
    }
    await pause(0.7);
    this.#show(scene, "None", 50);
    await pause(1.3);
    if (scene === "mask") return;
    this.#show(`${scene} smile`, "Smile", 85);
    await pause(1.3);
    this.#show(scene, "None", 100);
    await pause(0.8);
  }

  #show(scene, text, progress) {
    const stage = this.#find(".stage");
    stage.dataset.scene = scene;
    stage.dir = isRightToLeft(this.locale) ? "rtl" : "ltr";
    this.#find(".guidance").textContent = guidance(this.locale, text, this.languageDictionary);
    this.#find(".progress").style.strokeDashoffset = String(100 - progress);
  }

  #nextChoice() {
    return new Promise((resolve) => {
      const choose = ({ target }) => {
        if (!target.dataset.ending) return;
        this.#shadow.removeEventListener("click", choose);
        resolve(target.dataset.ending);
      };
      this.#shadow.addEventListener("click", choose);
    });
  }

  /** Use the camera at once where this page may already, else leave it to a button. */
  async #offerCamera() {
    const asked = await navigator.permissions?.query({ name: "camera" }).catch(() => null);
    if (asked?.state === "granted") await this.#openCamera();
    this.#find(".camera").hidden = asked?.state !== "prompt";
  }

  async #openCamera() {
    const { mediaInfoDeviceId: deviceId } = this;
    const video = deviceId ? { deviceId } : { facingMode: "user" };
    this.#camera = await navigator.mediaDevices?.getUserMedia({ video }).catch(() => null);
    this.#find(".camera").hidden = true;
    if (!this.#camera) return;
    const screen = this.#find("video");
    screen.srcObject = this.#camera;
    screen.hidden = false;
    await screen.play();
  }

  #closeCamera() {
    for (const track of this.#camera?.getTracks() ?? []) track.stop();
    this.#camera = null;
    this.#find("video").hidden = true;
  }

  #find(selector) {
    return this.#shadow.querySelector(selector);
  }
}

function endingOf(name, code = "") {
  if (name !== "error") return endings[name] ?? endings.realface;
  if (deviceErrors.includes(code)) return { scene: "calm", error: code };
  return { scene: "calm", play: { outcome: `error:${code}` } };
}

async function play(authToken, script) {
  const told = await fetch(attempts, {
    method: "POST",
    headers: { Authorization: `Bearer ${authToken}`, "Content-Type": "application/json" },
    body: JSON.stringify(script),
  }).catch(() => null);
  if (!told) throw failure("ServerRequestTimedOut");
  if (told.status === 401) throw failure("InvalidToken");
  if (!told.ok) throw failure(told.status < 500 ? "UnexpectedClientError" : "UnexpectedServerError");
  const report = await told.json();
  if (report.livenessError) throw failure(report.livenessError);
  return report;
}

function failure(livenessError) {
  return { livenessError, recognitionError: "None" };
}

/** Whoever wants less motion wants no act either. */
function pause(seconds) {
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return new Promise((resolve) => setTimeout(resolve, isStill ? 0 : seconds * 1000));
}

customElements.define("azure-ai-vision-face-ui", FaceLivenessDetector);

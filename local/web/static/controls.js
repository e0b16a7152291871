/** Buttons for what goes wrong out there, and for time itself. */
import { make } from "./dom.js";

export function showControls(place, device, timeline) {
  const away = button("Face is away", () => use(isPressed(away) ? "bring-face-back" : "take-face-away"));
  // The timeline tells of it too where somebody else has done it, or before this page was loaded.
  timeline.addEventListener("change", ({ detail }) => {
    for (const { actor, text } of detail) {
      if (actor !== "operator") continue;
      if (text.startsWith("makes “any” fail")) press(away, true);
      if (text === "ends all faults") press(away, false);
    }
  });
  press(away, false);
  place.append(
    away,
    button("Rotate the key", () => use("rotate-key")),
    button("10 minutes pass", () => use("expire-token")),
    button("Walk away", () => {
      device.welcome();
      use("walk-away");
    }),
    button("Sweep now", () => use("sweep")),
  );
}

function button(label, click) {
  return make("button", { type: "button", click }, label);
}

function isPressed(toggle) {
  return toggle.getAttribute("aria-pressed") === "true";
}

function press(toggle, is) {
  toggle.setAttribute("aria-pressed", String(is));
}

async function use(name) {
  await fetch(`/server/controls/${name}`, { method: "POST" });
}

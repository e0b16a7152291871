/** What the frontend shows around the check. */
import { drawnFace } from "./drawn-face.js";
import { make } from "./dom.js";

export function askForCheck(start) {
  const picture = make("input", { type: "file", id: "picture", accept: "image/*", change: preview });
  const keep = make("input", { type: "checkbox", id: "keep" });
  const thumb = make("img", { class: "thumb", alt: "" });
  const button = make("button", { class: "primary", type: "submit" }, "Start a check");

  function preview() {
    const [file] = picture.files;
    if (file) thumb.src = URL.createObjectURL(file);
    else thumb.removeAttribute("src");
  }

  async function submit(event) {
    event.preventDefault();
    button.disabled = true;
    await start({ picture: picture.files[0], keep: keep.checked });
  }

  return make(
    "form",
    { class: "screen-page", submit },
    face(),
    make("h3", { tabindex: "-1" }, "Are you there?"),
    make("p", {}, "A few seconds before the camera show that you are a real person, here and now."),
    button,
    make(
      "label",
      { class: "picture" },
      thumb,
      make("span", {}, make("b", {}, "Compare with a picture"), "JPEG, PNG, GIF or BMP"),
      picture,
    ),
    make("label", { class: "keep" }, keep, make("span", {}, "Keep the picture of the check")),
  );
}

/** One thing to say, and what may follow. */
export function tell({ title, text, choices = {}, isDone = false }) {
  const buttons = Object.entries(choices).map(([label, click], index) =>
    make("button", { type: "button", class: index ? "" : "primary", click }, label),
  );
  return make(
    "div",
    { class: "screen-page", role: "status" },
    face(isDone),
    make("h3", { tabindex: "-1" }, title),
    make("p", {}, text),
    ...buttons,
  );
}

function face(isDone = false) {
  const oval = make("div", { class: isDone ? "portrait done" : "portrait" });
  oval.innerHTML = drawnFace;
  return oval;
}

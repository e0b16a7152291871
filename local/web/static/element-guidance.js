/** What the person is told, by the SDK's names for it, in the SDK's own languages. */
const texts = {
  en: {
    None: "Hold still.",
    LookAtCamera: "Look at camera.",
    Smile: "Smile for the camera!",
    TimedOut: "Timed out.",
  },
  pt: {
    None: "Fique parado.",
    LookAtCamera: "Olhe para a câmera.",
    Smile: "Sorria para a câmera!",
    TimedOut: "Tempo esgotado.",
  },
  fa: {
    None: "بی‌حرکت بمانید.",
    LookAtCamera: "به دوربین نگاه کنید.",
    Smile: "برای دوربین لبخند بزنید!",
    TimedOut: "زمان به پایان رسید.",
  },
};

const rightToLeft = ["ar", "arc", "dv", "fa", "ha", "he", "khw", "ks", "ku", "ps", "ur", "yi"];

export function guidance(locale, name, dictionary) {
  return dictionary[name] ?? (texts[languageOf(locale)] ?? texts.en)[name];
}

export function isRightToLeft(locale) {
  return rightToLeft.includes(languageOf(locale));
}

function languageOf(locale) {
  return locale.split("-")[0].toLowerCase();
}

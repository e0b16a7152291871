/** Debian's own browser, for people and for CI alike. */
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const places = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"];
const quietly = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--use-fake-device-for-media-stream",
];

const executablePath = places.find((path) => path && existsSync(path));
if (!executablePath) {
  console.error(
    "Chromium is needed and was not found: apt install --no-install-recommends chromium, " +
      "or say where it is, as in CHROMIUM=/opt/chromium/chrome make test-browser",
  );
  process.exit(1);
}

export async function openBrowser() {
  return await chromium.launch({ executablePath, args: quietly });
}

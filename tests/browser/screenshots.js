/** Takes the pictures of the documents: the page at the end of a check, and a phone amid one. */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openBrowser } from "./browser.js";
import { startStack } from "./stack.js";

const images = fileURLToPath(new URL("../../docs/images", import.meta.url));
const needed = {
  pngquant: ["pngquant", "--version"],
  "fonts-inter": ["sh", "-c", "fc-list | grep -q 'Inter:'"],
  "fonts-jetbrains-mono": ["sh", "-c", "fc-list | grep -q 'JetBrains Mono:'"],
};

for (const [name, [program, ...words]] of Object.entries(needed)) {
  try {
    execFileSync(program, words, { stdio: "ignore" });
  } catch {
    console.error(`${name} is needed and was not found: apt install --no-install-recommends ${name}`);
    process.exit(1);
  }
}
mkdirSync(images, { recursive: true });

const browser = await openBrowser();
const stack = await startStack();
try {
  const buffer = await drawFace();
  for (const colorScheme of ["light", "dark"]) await takePage(colorScheme, buffer);
  await takePhone();
} finally {
  await browser.close();
  await stack.stop();
}

/** Make the picture to compare with: the person that the stand-in draws. */
async function drawFace() {
  const page = await open({ viewport: { width: 300, height: 400 } });
  await page.evaluate(async () => {
    const { drawnFace } = await import("/page/drawn-face.js");
    document.body.className = "portrait";
    document.body.innerHTML = drawnFace;
    Object.assign(document.body.style, { margin: 0, inlineSize: "300px", borderRadius: 0, outline: 0 });
  });
  return await page.screenshot();
}

async function takePage(colorScheme, buffer) {
  const page = await open({ colorScheme, viewport: { width: 1280, height: 920 }, deviceScaleFactor: 2 });
  const picture = { name: "me.png", mimeType: "image/png", buffer };
  const press = (name) => page.getByRole("button", { name, exact: true }).click();
  await page.getByLabel("Compare with a picture").setInputFiles(picture);
  await press("Start a check");
  await press("A mask");
  await press("Try again");
  await press("A real face");
  await page.getByText("Passed").waitFor();
  await page.getByText("Thank you").waitFor();
  // What your server asked last is told last.
  await page.getByText(/GET .*result/).nth(1).waitFor();
  await save(page, `page-${colorScheme}`);
}

async function takePhone() {
  const page = await open({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 });
  await page.getByRole("button", { name: "Start a check" }).click();
  await page.getByRole("button", { name: "A real face" }).click();
  await page.getByText("Smile for the camera!").waitFor();
  await page.waitForTimeout(300);
  await save(page, "page-phone");
}

async function open(options) {
  const page = await browser.newPage(options);
  await page.goto(stack.pageUrl);
  return page;
}

async function save(page, name) {
  await page.mouse.move(0, 0);
  const path = `${images}/${name}.png`;
  await page.screenshot({ path });
  execFileSync("pngquant", ["--force", "--ext=.png", "--skip-if-larger", "--speed=1", "--strip", path]);
  await page.close();
}

/** The page is there for everyone: by keyboard, by screen reader, on any screen, in any light. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { device, it, press, says, server, startCheck, world } from "./stage.js";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What the focused thing says, within the element too. */
async function focused() {
  return await world.page.evaluate(() => {
    const { activeElement: outer } = document;
    return (outer.shadowRoot?.activeElement ?? outer).textContent;
  });
}

it("a whole check needs nothing but the keyboard", async () => {
  await world.page.keyboard.press("Tab");
  assert.equal(await focused(), "Start a check");
  await world.page.keyboard.press("Enter");
  await world.page.getByRole("button", { name: "A real face" }).waitFor();
  assert.equal(await focused(), "A real face");
  await world.page.keyboard.press("Enter");

  await says(device(), "Thank you");
  assert.equal(await focused(), "Thank you");
  await says(server(), "Passed");
});

const looks = {
  "light on a desktop": { colorScheme: "light", viewport: { width: 1280, height: 900 } },
  "dark on a phone": { colorScheme: "dark", viewport: { width: 390, height: 844 } },
};

for (const [name, { colorScheme, viewport }] of Object.entries(looks)) {
  it(`nothing of it keeps anybody out: ${name}`, async () => {
    await world.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await world.page.setViewportSize(viewport);
    await world.page.evaluate(axe);
    const found = [await findings()];
    await startCheck();
    await says(server(), "No verdict yet");
    found.push(await findings());
    await press("A photo");
    await says(server(), "Rejected");
    await world.page.getByText("The whole result").click();
    found.push(await findings());
    const width = await world.page.evaluate(() => document.documentElement.scrollWidth);

    assert.deepEqual(found, [[], [], []]);
    assert.ok(width <= viewport.width, "there is nothing to scroll sideways");
  });
}

async function findings() {
  const { violations } = await world.page.evaluate(() => globalThis.axe.run());
  return violations.map(({ id, impact, nodes }) => [id, impact, nodes[0].html]);
}

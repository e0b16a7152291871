/** Each check that the page runs ends as it should, for the frontend and for your server. */
import assert from "node:assert/strict";
import { becomes, device, frontend, it, press, says, server, startCheck, upstream, walkAway, world } from "./stage.js";

// Bytes that begin as a JPEG's do; the simulator looks no further.
const picture = {
  name: "me.jpg",
  mimeType: "image/jpeg",
  buffer: Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(4096)]),
};

it("a real face passes; the frontend sees no verdict, and the browser no key", async () => {
  await startCheck();
  await press("A real face");

  await says(server(), "Passed");
  await says(device(), "Thank you");
  await says(frontend(), "completed");
  assert.doesNotMatch(await frontend().innerText(), /passed|realface/i);
  await says(upstream(), "session ended: completed, passed");
  await says(upstream(), "for complete");
  const ended = world.responses.filter((one) => !one.url().endsWith("/server/timeline"));
  const told = await Promise.all(ended.map((one) => one.text()));
  assert.doesNotMatch(told.join(), /local-(function|master)-key/);
});

it("a photo is rejected as a spoof, and the device is thanked all the same", async () => {
  await startCheck();
  await press("A photo");

  await says(server(), "Rejected");
  await says(server(), "Spoof");
  await says(device(), "Thank you");
});

it("another face than the one on the picture is rejected as a mismatch", async () => {
  await world.page.getByLabel("Compare with a picture").setInputFiles(picture);
  await startCheck();
  await says(frontend(), "Liveness with verify");
  await press("Another face");

  await says(server(), "Rejected");
  await says(server(), "DifferentPerson");
  await says(server(), "compared with");
});

it("the picture of the check is shown where it was wished for", async () => {
  await world.page.getByLabel("Keep the picture of the check").check();
  await startCheck();
  await press("A real face");

  await says(server(), "taken in the check");
});

it("a mask fails, and the next try of the same session passes", async () => {
  await startCheck();
  await press("A mask");
  await says(frontend(), "FaceWithMaskDetected");
  await says(server(), "SessionNotFinal");
  await press("Try again");
  await press("A real face");

  await says(server(), "Passed");
  await says(server(), "2, judged: 2");
});

it("a canceled check is inconclusive, because it was canceled", async () => {
  await startCheck();
  await press("Cancel");

  await says(frontend(), "UserCanceledSession");
  await says(server(), "Inconclusive");
  await says(server(), "Canceled");
});

it("an expired token fails as the SDK’s InvalidToken, and only a new check helps", async () => {
  await startCheck();
  await press("10 minutes pass");
  await says(upstream(), "lets 10 minutes pass");
  await press("A real face");

  await says(frontend(), "InvalidToken");
  await press("Start another check");
  await startCheck();
  await press("A real face");
  await says(server(), "Passed");
});

it("a closed tab leaves a check that is abandoned by the sweep", async () => {
  await startCheck();
  const started = world.responses.find((one) => one.url().endsWith("/server/start"));
  const { sessionId } = await started.json();
  await world.page.close();

  await walkAway();

  assert.equal((await becomes(sessionId, "abandoned")).outcome, null);
});

it("while Face is away the frontend waits, and gets its answer when Face is back", async () => {
  await startCheck();
  await press("Face is away");
  await world.page.getByRole("button", { name: "Face is away", pressed: true }).waitFor();
  await press("A real face");
  await says(upstream(), "503");
  await press("Face is away");

  await says(server(), "Passed");
  await says(device(), "Thank you");
});

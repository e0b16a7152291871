/** The stand-in for the SDK in somebody else's frontend, whose origin the app's CORS does not name. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { becomes, it, start, walkAway, world } from "./stage.js";

/** A frontend of somebody else: another origin, which the app’s CORS does not name. */
async function openForeignPage() {
  const foreign = createServer((_, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end("<!doctype html><title>Another frontend</title>");
  });
  await new Promise((resolve) => foreign.listen(0, "127.0.0.1", resolve));
  await world.page.goto(`http://127.0.0.1:${foreign.address().port}`);
  foreign.close();
  await world.page.evaluate(async (pageUrl) => {
    await import(`${pageUrl}/azure-ai-vision-face-ui.js`);
    window.check = async (token, ending) => {
      const element = document.createElement("azure-ai-vision-face-ui");
      element.setAttribute("ending", ending);
      document.body.append(element);
      return await element.start(token).catch((failure) => failure);
    };
  }, world.stack.pageUrl);
}

const check = (token, ending) => world.page.evaluate(([a, b]) => window.check(a, b), [token, ending]);

it("an origin that CORS does not name is refused by the browser; the check ends without it", async () => {
  const { appUrl, authToken, sessionId, sessionToken } = await start();
  await openForeignPage();
  const said = await check(authToken, "realface");
  const reported = await world.page.evaluate(
    async ([url, token]) => {
      const headers = { "X-Session-Token": token };
      return await fetch(url, { method: "POST", headers }).then(
        () => "answered",
        (error) => error.name,
      );
    },
    [`${appUrl}/api/sessions/${sessionId}/complete`, sessionToken],
  );

  assert.deepEqual(Object.keys(said), ["resultId", "digest"]);
  assert.equal(reported, "TypeError");
  await walkAway();
  assert.equal((await becomes(sessionId, "completed")).outcome, "passed");
});

it("a token that is used up, revoked or made up is an InvalidToken", async () => {
  const [used, revoked] = [await start(), await start()];
  await openForeignPage();
  await check(used.authToken, "realface");
  await fetch(`${world.stack.appUrl}/api/sessions/${revoked.sessionId}`, {
    method: "DELETE",
    headers: { "X-Session-Token": revoked.sessionToken },
  });
  const failures = [];
  for (const token of [used.authToken, revoked.authToken, "made up"]) {
    failures.push(await check(token, "realface"));
  }

  const invalid = { livenessError: "InvalidToken", recognitionError: "None" };
  assert.deepEqual(failures, [invalid, invalid, invalid]);
});

it("the person is guided in the language of the locale, or in words of one’s own", async () => {
  const { authToken } = await start();
  await openForeignPage();
  const guided = await world.page.evaluate(
    ([token]) =>
      Promise.all(
        ["pt-BR", "fa", "ko"].map(async (locale) => {
          const element = document.createElement("azure-ai-vision-face-ui");
          element.locale = locale;
          if (locale === "ko") element.languageDictionary = { LookAtCamera: "카메라를 보세요." };
          document.body.append(element);
          element.start(token);
          const guidance = element.shadowRoot.querySelector(".guidance");
          while (!guidance.textContent) await new Promise((resolve) => setTimeout(resolve, 20));
          return [guidance.textContent, getComputedStyle(guidance).direction];
        }),
      ),
    [authToken],
  );

  assert.deepEqual(guided, [
    ["Olhe para a câmera.", "ltr"],
    ["به دوربین نگاه کنید.", "rtl"],
    ["카메라를 보세요.", "ltr"],
  ]);
});

it("the camera is used where the page may already, and let go at the end", async () => {
  const { authToken } = await start();
  await world.context.grantPermissions(["camera"]);
  await openForeignPage();
  const seen = await world.page.evaluate(async (token) => {
    const element = document.createElement("azure-ai-vision-face-ui");
    document.body.append(element);
    const end = element.start(token);
    const [video, tray] = ["video", ".tray"].map((one) => element.shadowRoot.querySelector(one));
    while (tray.hidden) await new Promise((resolve) => setTimeout(resolve, 20));
    const [track] = video.srcObject.getTracks();
    const before = [track.readyState, video.hidden];
    element.shadowRoot.querySelector("[data-ending=realface]").click();
    await end;
    return [before, [track.readyState, video.hidden]];
  }, authToken);

  assert.deepEqual(seen, [["live", false], ["ended", true]]);
});

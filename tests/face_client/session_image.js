// Microsoft's own client, as its samples use it: a check whose picture is downloaded and looked at, and deleted.
// A question comes on stdin, the answer goes to stdout, both as JSON.
import { buffer, text } from "node:stream/consumers";
import createFaceClient, { isUnexpected } from "@azure-rest/ai-vision-face";

const { endpoint, key } = JSON.parse(await text(process.stdin));
// The stand-in speaks http.
const client = createFaceClient(endpoint, { key }, { allowInsecureConnection: true });

function expected(response) {
  if (isUnexpected(response)) throw new Error(response.body.error.message);
  return response.body;
}

async function playDevice(authToken) {
  const headers = { authorization: `Bearer ${authToken}`, "content-type": "application/json" };
  const body = JSON.stringify({ outcome: "realface" });
  const answer = await fetch(`${endpoint}/simulator/attempts`, { method: "POST", headers, body });
  return answer.json();
}

async function download(imageId) {
  const answer = await client.path("/sessionImages/{sessionImageId}", imageId).get().asNodeStream();
  return { disposition: answer.headers["content-disposition"], bytes: await buffer(answer.body) };
}

const created = expected(
  await client.path("/detectLiveness-sessions").post({
    body: { livenessOperationMode: "Passive", deviceCorrelationId: "device-1", enableSessionImage: true },
  }),
);
const report = await playDevice(created.authToken);
const session = client.path("/detectLiveness-sessions/{sessionId}", created.sessionId);
const [attempt] = expected(await session.get()).results.attempts;
const imageId = attempt.result.sessionImageId;
const image = await download(imageId);
const faces = expected(
  await client.path("/detect").post({
    contentType: "application/json",
    queryParameters: {
      detectionModel: "detection_03",
      recognitionModel: "recognition_04",
      returnFaceId: false,
      returnFaceAttributes: ["headPose", "mask", "qualityForRecognition"],
    },
    body: { sessionImageId: imageId },
  }),
);
const deleted = await session.delete();
const afterwards = await client.path("/sessionImages/{sessionImageId}", imageId).get();

console.log(
  JSON.stringify({
    sessionId: created.sessionId,
    digests: [report.digest, attempt.result.digest],
    decision: attempt.result.livenessDecision,
    imageId,
    disposition: image.disposition,
    image: image.bytes.toString("base64"),
    faces,
    deleted: deleted.status,
    afterwards: [afterwards.status, afterwards.body.error.code],
  }),
);

"""A Face simulator with what calls it: the app's server side, the device, the control routes."""

import io
import json
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from local.azure.vault_secret import FIRST_KEY
from local.ports import HOST, Ports

LIVENESS = "detectLiveness-sessions"
WITH_VERIFY = "detectLivenessWithVerify-sessions"
JPEG = b"\xff\xd8\xff" + bytes(2000)
FIELDS = {"livenessOperationMode": "Passive", "deviceCorrelationId": "device-1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: dict[str, str] = field(repr=False)
    body: Any

    @property
    def code(self) -> str:
        return str(self.body["error"]["code"])


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceCalls:
    http: aiohttp.ClientSession
    ports: Ports

    async def call(self, method: str, path: str, **more: Any) -> Answer:  # noqa: ANN401 - aiohttp's
        more.setdefault("headers", {"Ocp-Apim-Subscription-Key": FIRST_KEY})
        url = f"http://{HOST}:{self.ports.face}{path}"
        async with self.http.request(method, url, **more) as response:
            headers = dict(response.headers)
            body: Any = await response.read()
            if body and response.content_type == "application/json":
                body = json.loads(body)
            elif headers.get("Content-Type") != "application/octet-stream":
                body = body.decode()
            return Answer(status=response.status, headers=headers, body=body)

    async def create(self, **fields: object) -> Answer:
        return await self.call("POST", f"/face/v1.2/{LIVENESS}", json={**FIELDS, **fields})

    async def create_with_verify(self, **fields: str) -> Answer:
        return await self.create_with_image(JPEG, **fields)

    async def create_with_image(self, image: bytes | None, /, **fields: str) -> Answer:
        form = aiohttp.FormData({**FIELDS, **fields}, default_to_multipart=True)
        if image is not None:
            form.add_field("verifyImage", io.BytesIO(image), filename="face.jpg")
        return await self.call("POST", f"/face/v1.2/{WITH_VERIFY}", data=form)

    async def get(self, created: Answer) -> Answer:
        return await self.call("GET", self.path(created))

    async def delete(self, created: Answer) -> Answer:
        return await self.call("DELETE", self.path(created))

    async def get_picture(self, image_id: str) -> Answer:
        return await self.call("GET", f"/face/v1.2/sessionImages/{image_id}")

    async def detect(self, image_id: str, **query: str) -> Answer:
        body = {"sessionImageId": image_id}
        return await self.call("POST", "/face/v1.2/detect", params=query, json=body)

    async def take_picture(self, **overrides: object) -> tuple[Answer, str]:
        """Play a check to its end, and give it with the id of its picture."""
        created = await self.create(enableSessionImage=True)
        await self.play(created, "realface", **overrides)
        (attempt,) = (await self.get(created)).body["results"]["attempts"]
        return created, str(attempt["result"]["sessionImageId"])

    async def play(self, created: Answer, outcome: str, **overrides: object) -> Answer:
        headers = {"Authorization": f"Bearer {created.body['authToken']}"}
        body = {"outcome": outcome, **overrides}
        return await self.call("POST", "/simulator/attempts", headers=headers, json=body)

    async def control(self, name: str, **body: object) -> Answer:
        return await self.call("POST", f"/simulator/{name}", json=body)

    def path(self, created: Answer) -> str:
        has_verify = "verifyReferences" in created.body["results"]
        family = WITH_VERIFY if has_verify else LIVENESS
        return f"/face/v1.2/{family}/{created.body['sessionId']}"

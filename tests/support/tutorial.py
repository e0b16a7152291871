"""The app server of Microsoft's tutorial, step by step, with the paths that Face really has.

https://learn.microsoft.com/azure/ai-services/computer-vision/tutorials/liveness
"""

from dataclasses import dataclass
from typing import Any

import aiohttp

LIVENESS = "detectLiveness-sessions"
WITH_VERIFY = "detectLivenessWithVerify-sessions"

type Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AppServer:
    """Talks to Face as the tutorial's Python does, and knows nothing of this project."""

    http: aiohttp.ClientSession
    endpoint: str
    key: str

    async def create_session(self, options: Body) -> Body:
        """Ask for a session; its token goes to the frontend."""
        created: Body = await self._call("POST", LIVENESS, json=options)
        return created

    async def create_session_with_verify(self, options: Body, image: bytes) -> Body:
        """Ask for one that compares the face with a reference image: every option a part."""
        form = aiohttp.FormData(default_to_multipart=True)
        for name, value in options.items():
            form.add_field(name, str(value).lower() if isinstance(value, bool) else str(value))
        form.add_field("verifyImage", image, filename="test.png", content_type="image/png")
        created: Body = await self._call("POST", WITH_VERIFY, data=form)
        return created

    async def get_latest_attempt(self, kind: str, session_id: str) -> Body:
        """Query the result, and take the attempt that came last, wherever it is listed."""
        session = await self._call("GET", f"{kind}/{session_id}")
        latest: Body = max(session["results"]["attempts"], key=lambda one: one["attemptId"])
        return latest

    async def download_image(self, image_id: str) -> bytes:
        """Download the session image."""
        image: bytes = await self._call("GET", f"sessionImages/{image_id}")
        return image

    async def analyze_image(self, image_id: str, attributes: str) -> list[Body]:
        """Go on with face analysis."""
        query = {"returnFaceId": "false", "returnFaceAttributes": attributes}
        body = {"sessionImageId": image_id}
        faces: list[Body] = await self._call("POST", "detect", params=query, json=body)
        return faces

    async def delete_session(self, kind: str, session_id: str) -> None:
        """Delete the session after all results."""
        await self._call("DELETE", f"{kind}/{session_id}")

    async def _call(self, method: str, path: str, **more: Any) -> Any:  # noqa: ANN401 - JSON or bytes
        url = f"{self.endpoint}/face/v1.2/{path}"
        headers = {"Ocp-Apim-Subscription-Key": self.key}
        async with self.http.request(method, url, headers=headers, **more) as response:
            response.raise_for_status()
            is_json = response.content_type == "application/json"
            return await (response.json() if is_json else response.read())

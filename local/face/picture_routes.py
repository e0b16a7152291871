"""What Face answers about the picture of a check, while it has the check."""

from aiohttp import web

from local.face.account import FaceAccount
from local.face.create_request import FaceRefusal
from local.face.detect_request import detect_request, faces_seen
from local.face.pictures import picture_of

_IMAGES, _DETECT = "/face/v1.2/sessionImages/{image_id}", "/face/v1.2/detect"


class PictureRoutes:
    """Gets a picture, and tells what is on it."""

    def __init__(self, account: FaceAccount) -> None:
        """Serve the pictures of this account."""
        self._account = account

    def routes(self) -> list[web.RouteDef]:
        """List the operations."""
        return [
            web.get(_IMAGES, self._get_image, allow_head=False),
            web.post(_DETECT, self._detect),
        ]

    async def _get_image(self, request: web.Request) -> web.Response:
        image_id = request.match_info["image_id"]
        name = f"{image_id}.jpg"
        return web.Response(
            body=picture_of(*self._account.find_picture(image_id)),
            content_type="application/octet-stream",
            headers={
                "Content-Disposition": f"attachment; filename={name}; filename*=UTF-8''{name}"
            },
        )

    async def _detect(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            raise FaceRefusal(400, "BadArgument", "Request body is invalid.")
        asked = detect_request(request.query, await request.read())
        self._account.find_picture(asked.image_id)
        return web.json_response(faces_seen(asked))


def operation_of(request: web.Request) -> str | None:
    """Name what is asked about a picture, for those who script its failure."""
    if "image_id" in request.match_info:
        return "image"
    return "detect" if (request.method, request.path) == ("POST", _DETECT) else None

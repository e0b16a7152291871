"""The API's reference for people to read: Redoc, from node_modules, on the app's own document."""

from pathlib import Path

from aiohttp import web

from local.faults.wire import Handler

PATH = "/api-reference"
# Redoc writes its styles into the page, and searches in a worker that it makes itself.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; worker-src blob:; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

_FOLDER = Path(__file__).parent / "reference"
_REDOC = _FOLDER / "node_modules" / "redoc" / "bundles" / "redoc.standalone.js"
_DOCUMENT = Path(__file__).parents[2] / "shared" / "api" / "openapi.json"
_MISSING = (
    "The reference is drawn by Redoc, which is not installed here: run `make reference`, and load"
    " this page again.\nThe document itself is at /api-reference/openapi.json.\n"
)


def routes() -> list[web.RouteDef]:
    """Give the reference's routes."""
    return [
        web.get(PATH, _page),
        web.get(f"{PATH}/start.js", _file(_FOLDER / "start.js")),
        web.get(f"{PATH}/redoc.js", _file(_REDOC)),
        web.get(f"{PATH}/openapi.json", _file(_DOCUMENT)),
    ]


async def _page(_request: web.Request) -> web.StreamResponse:
    if not _REDOC.exists():
        return web.Response(status=503, text=_MISSING)
    return web.FileResponse(_FOLDER / "index.html")


def _file(path: Path) -> Handler:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.FileResponse(path)

    return answer

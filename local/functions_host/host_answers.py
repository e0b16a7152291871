"""The host's own answers: empty ones, the home page, and the headers that every answer gets."""

from collections.abc import Mapping

from aiohttp import web

_HOME_PAGE = (
    "<!DOCTYPE html><html><head><title>Your Azure Function App is up and running.</title></head>"
    "<body><h1>Your local Functions host is up and running</h1></body></html>"
)


def empty(status: int) -> web.Response:
    """Answer with a status and nothing else."""
    return web.Response(status=status)


def home_page(*, is_disabled: bool) -> web.Response:
    """Answer `/`, by any method."""
    if is_disabled:
        return empty(204)
    return web.Response(body=_HOME_PAGE.encode(), content_type="text/html")


def unauthorized() -> web.Response:
    """Ask for the key of a route of the host's own; a function's 401 asks for nothing."""
    return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})


def add_missing_headers(response: web.Response, headers: Mapping[str, str]) -> None:
    """Add what host.json asks for; a header that the function has set stays as it is."""
    # https://github.com/Azure/azure-functions-host/blob/dev/src/WebJobs.Script.WebHost/Middleware/CustomHttpHeadersMiddleware.cs
    for name, value in headers.items():
        response.headers.setdefault(name, value)

"""The server below the front: aiohttp's, with Kestrel's silence about what is no HTTP."""

import asyncio
import logging
from typing import Any

from aiohttp import web

from local.functions_host.host_answers import empty

_logger = logging.getLogger(__name__)

# Above Kestrel's own limits, which the front keeps: there an answer tells which it was.
_OPTIONS: dict[str, Any] = {  # Any: they go to a **kwargs of aiohttp
    "max_line_size": 64 * 1024,
    "max_field_size": 64 * 1024,
    "max_headers": 1000,
    "auto_decompress": False,
    "access_log": None,
}


class HttpServer(web.Server):
    """Makes a protocol for each connection."""

    def __call__(self) -> web.RequestHandler:
        """Open a connection."""
        return _Protocol(self, loop=asyncio.get_running_loop(), **_OPTIONS)


class _Protocol(web.RequestHandler):
    """Neither prints nor repeats what could not be parsed: it may be a secret."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer with nothing, and close."""
        del request, message
        _logger.warning("a request failed before any function: %d %s", status, type(exc).__name__)
        response = empty(status)
        response.force_close()
        return response

    def log_exception(self, *args: object, **kw: object) -> None:
        """Name what failed after the answer was begun."""
        del args
        _logger.warning("a connection failed: %s", type(kw.get("exc_info")).__name__)

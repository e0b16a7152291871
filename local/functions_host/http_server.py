"""The server below the front: aiohttp's, with Kestrel's silence about what is no HTTP."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from local.functions_host.host_answers import empty
from local.functions_host.start_error import HostStartError

_logger = logging.getLogger(__name__)

# Above Kestrel's own limits, which the front keeps: there an answer tells which it was.
_OPTIONS: dict[str, Any] = {  # Any: they go to a **kwargs of aiohttp
    "max_line_size": 64 * 1024,
    "max_field_size": 64 * 1024,
    "max_headers": 1000,
    "auto_decompress": False,
    "access_log": None,
}


@contextlib.asynccontextmanager
async def listen(runner: web.ServerRunner, address: tuple[str, int]) -> AsyncIterator[str]:
    """Take connections until the block ends; give the address as a URL."""
    try:
        listener = socket.create_server(address)
    except OSError as taken:
        raise HostStartError(f"cannot listen on {address}: {taken}") from taken
    site = web.SockSite(runner, listener)
    await site.start()
    try:
        yield f"http://{address[0]}:{listener.getsockname()[1]}"
    finally:
        # asyncio breaks on a connection that it has accepted but not yet opened when it closes.
        asyncio.get_running_loop().remove_reader(listener)
        await asyncio.sleep(0)
        await site.stop()


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

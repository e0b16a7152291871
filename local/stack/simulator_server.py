"""Runs one simulator's web application on its port, inside this process."""

import contextlib
import ssl
from collections.abc import AsyncIterator

from aiohttp import web

from local.ports import HOST, StackError

# A call that waits out a scripted delay must not hold up the end of the stack.
_SHUTDOWN_GRACE_SECONDS = 0.5


@contextlib.asynccontextmanager
async def serve(
    app: web.Application, port: int, tls: ssl.SSLContext | None = None
) -> AsyncIterator[None]:
    """Serve the application until the block ends."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_GRACE_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port, ssl_context=tls).start()
        yield
    except OSError as error:
        raise StackError(f"port {port} cannot be used: {error}") from error
    finally:
        await runner.cleanup()

"""What happens when a function outlasts host.json's functionTimeout."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

_logger = logging.getLogger(__name__)

# EX_TEMPFAIL of sysexits.h: whoever started the process may start it again.
EXIT_FUNCTION_TIMEOUT = 75
# Azure kills the worker this long after a timeout; what ends before is fine.
_BEFORE_THE_END = timedelta(seconds=2)

type EndProcess = Callable[[int], None]


@contextlib.asynccontextmanager
async def time_limit(
    function: str, limit: timedelta | None, end_process: EndProcess | None
) -> AsyncIterator[None]:
    """End the process at the limit, as in Azure; without a way to, raise TimeoutError."""
    if limit is None or end_process is None:
        async with asyncio.timeout(limit.total_seconds() if limit else None):
            yield
        return
    loop = asyncio.get_running_loop()
    alarm = loop.call_later(limit.total_seconds(), _end_soon, function, end_process)
    try:
        yield
    finally:
        alarm.cancel()


def _end_soon(function: str, end_process: EndProcess) -> None:
    _logger.error("%s outlasts functionTimeout: the process ends, with all that runs", function)
    loop = asyncio.get_running_loop()
    loop.call_later(_BEFORE_THE_END.total_seconds(), end_process, EXIT_FUNCTION_TIMEOUT)

"""Waits until the Functions host answers."""

import asyncio

import aiohttp

from local.ports import HOST, StackError

_MAX_SECONDS = 60
_MAX_UNWELL_SECONDS = 5.0
_PAUSE_SECONDS = 0.1
_OK = 200


async def wait(port: int) -> None:
    """Wait for the app's health, or, if that stays unwell, for any answer at all."""
    url = f"http://{HOST}:{port}/api/health"
    unwell_seconds = 0.0
    try:
        async with asyncio.timeout(_MAX_SECONDS), aiohttp.ClientSession() as http:
            while (status := await _get_status(http, url)) != _OK:
                # It answers, so that its own errors now tell more than we could.
                unwell_seconds += _PAUSE_SECONDS if status else 0
                if unwell_seconds >= _MAX_UNWELL_SECONDS:
                    return
                await asyncio.sleep(_PAUSE_SECONDS)
    except TimeoutError as error:
        message = f"the Functions host did not answer within {_MAX_SECONDS} seconds"
        raise StackError(message) from error


async def _get_status(http: aiohttp.ClientSession, url: str) -> int | None:
    try:
        async with http.get(url, timeout=aiohttp.ClientTimeout(total=5)) as response:
            return response.status
    except (aiohttp.ClientError, TimeoutError):
        return None

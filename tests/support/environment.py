"""This process's environment, and the app that is built under it: a test may change both."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from local.azure.identity import HEADER
from local.functions_host.invocations import Invocations
from local.ports import HOST, Ports
from shared import composition

_RUN = Invocations._run.__qualname__
_MAX_WORK_SECONDS = 10


async def build_app_anew() -> None:
    """Let go of the app, once whatever runs has done with it: closed, it would be opened again."""
    at_work = {
        task for task in asyncio.all_tasks() if getattr(task.get_coro(), "__qualname__", "") == _RUN
    }
    if at_work:
        await asyncio.wait(at_work, timeout=_MAX_WORK_SECONDS)
    await composition.close()


@asynccontextmanager
async def changed() -> AsyncIterator[pytest.MonkeyPatch]:
    """Let a test change it, and let go of an app that somebody has built under it meanwhile.

    The host runs on from test to test: a late message may need an app at any time.
    """
    with pytest.MonkeyPatch.context() as environment:
        yield environment
    await build_app_anew()


@asynccontextmanager
async def identity_at(ports: Ports) -> AsyncIterator[None]:
    """Lead Microsoft's clients to the identity endpoint of a stack."""
    async with changed() as environment:
        environment.setenv("IDENTITY_ENDPOINT", f"http://{HOST}:{ports.identity}/msi/token")
        environment.setenv("IDENTITY_HEADER", HEADER)
        yield

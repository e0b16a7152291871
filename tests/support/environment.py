"""This process's environment, which a test may change for a while."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from local.azure.identity import HEADER
from local.ports import HOST, Ports
from shared import composition


@asynccontextmanager
async def changed() -> AsyncIterator[pytest.MonkeyPatch]:
    """Let a test change it, and let go of an app that somebody has built under it meanwhile.

    The host runs on from test to test: a late message may need an app at any time.
    """
    with pytest.MonkeyPatch.context() as environment:
        yield environment
    await composition.close()


@asynccontextmanager
async def identity_at(ports: Ports) -> AsyncIterator[None]:
    """Lead Microsoft's clients to the identity endpoint of a stack."""
    async with changed() as environment:
        environment.setenv("IDENTITY_ENDPOINT", f"http://{HOST}:{ports.identity}/msi/token")
        environment.setenv("IDENTITY_HEADER", HEADER)
        yield

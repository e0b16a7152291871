"""Makes the troubles happen, each at its moment."""

import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import Sequence

import aiohttp

from tests.chaos.system import System
from tests.chaos.troubles import Amount, Fault, Trouble

_POOR_SECONDS = 2.0
# What stops and resumes processes needs a host and a Storage that are ours.
_OURS_ONLY = {"kill", "freeze", "restart"}


async def make(system: System, troubles: Sequence[Trouble], done: Counter[str]) -> None:
    """Make every trouble, and count them; a restart of the host does not hold up the others."""
    began = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as group:
        for trouble in troubles:
            if trouble.what in _OURS_ONLY and not system.host.is_ours:
                continue
            passed = asyncio.get_running_loop().time() - began
            await asyncio.sleep(max(0.0, trouble.at - passed))
            group.create_task(_make(system, trouble))
            done[trouble.what] += 1


async def _make(system: System, trouble: Trouble) -> None:
    match trouble:
        case Fault(body=body):
            await system.control("POST", "faults", body)
        case Amount():
            await _spend(system, trouble)
        case Trouble(what="clear_faults"):
            await system.clear_faults()
        case Trouble(what="rotate"):
            await system.control("POST", "key", {"key": secrets.token_hex(16)})
        case Trouble(what="poor"):
            await system.control("POST", "reference", {"qualityForRecognition": "low"})
            await asyncio.sleep(_POOR_SECONDS)
            await system.control("POST", "reference", {"qualityForRecognition": "high"})
        case Trouble(what="earlier"):
            await system.versions.write_as_earlier()
        case Trouble(what="later"):
            await system.versions.write_as_later()
        case _:
            # The host may be down just now.
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                await system.sweep()


async def _spend(system: System, amount: Amount) -> None:
    match amount.what:
        case "kill":
            await system.host.kill(down_seconds=amount.seconds)
        case "freeze":
            await system.storage.freeze(amount.seconds)
        case "restart":
            await system.storage.restart(amount.seconds)
        case _:
            await system.skip(amount.seconds)

"""How Face is called: with which header, for how long, how often."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from shared.face import protocol
from shared.face.breaker import loop_time
from shared.face.choices import NO_CHOICES, FaceChoices
from shared.face.retry import Sleep
from shared.secret import Secret

type AuthHeader = Callable[[Secret], Mapping[str, str]]
type Acquire = Callable[[float], Awaitable[None]]


async def acquire_at_once(_rank: float) -> None:
    """Let every call go at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """How Face is called: with which header, how long (one try, and all of a create), how often."""

    auth_header: AuthHeader = protocol.key_header
    timeout_seconds: float
    budget_seconds: float
    choices: FaceChoices = NO_CHOICES
    acquire: Acquire = acquire_at_once
    sleep: Sleep = asyncio.sleep
    new_request_id: Callable[[], str] = str
    clock: Callable[[], float] = loop_time

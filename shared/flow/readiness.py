"""Whether the app could do its work now: each part that it needs is asked, and nothing changed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Protocol

from shared.errors import AppError, NotReadyError
from shared.flow.ports import AppSecret, EventTopic, FaceGateway, ImageStore, MessageQueue
from shared.flow.ports import SessionStore as Store
from shared.session.ids import NO_SESSION_ID, FaceSessionId
from shared.session.session import Kind
from shared.single_flight import SingleFlight

type Ask = Callable[[], Awaitable[object]]

# Whoever asks all the time costs no more than whoever asks now and then.
_KEPT = timedelta(seconds=10)
_NEVER = datetime.min.replace(tzinfo=UTC)
_NO_FACE_SESSION = FaceSessionId("00000000-0000-0000-0000-000000000000")


class Outside(Protocol):
    """What the app uses beside Face."""

    @property
    def app_secret(self) -> AppSecret: ...  # noqa: D102 - the port says it

    @property
    def store(self) -> Store: ...  # noqa: D102 - the port says it

    @property
    def queue(self) -> MessageQueue: ...  # noqa: D102 - the port says it

    @property
    def images(self) -> ImageStore | None: ...  # noqa: D102 - the port says it

    @property
    def events(self) -> EventTopic | None: ...  # noqa: D102 - the port says it


class Readiness:
    """What was found last, for as long as that is kept."""

    def __init__(self, parts: Mapping[str, Ask | None], now: Callable[[], datetime]) -> None:
        """Take what asks each part; None is a part that is off."""
        self._parts = parts
        self._now = now
        self._failures: Mapping[str, AppError] = {}
        self._kept_until = _NEVER
        self._asking = SingleFlight(self._ask_all)

    async def check(self) -> Mapping[str, str]:
        """Say of each part that it is ok or off; NotReady names those that are neither."""
        if self._now() >= self._kept_until:
            await self._asking.join()
        if self._failures:
            causes = (f"{part}: {error}" for part, error in self._failures.items())
            wait = ceil((self._kept_until - self._now()).total_seconds())
            error = NotReadyError("; ".join(causes), retry_after_seconds=max(1, wait))
            error.failures = self._failures
            raise error
        return {name: "ok" if ask else "off" for name, ask in self._parts.items()}

    async def close(self) -> None:
        """Break off what is asked."""
        await self._asking.close()

    async def _ask_all(self) -> None:
        asked = {name: ask for name, ask in self._parts.items() if ask is not None}
        found = await asyncio.gather(*(_find_failure(ask) for ask in asked.values()))
        self._failures = {name: one for name, one in zip(asked, found, strict=True) if one}
        self._kept_until = self._now() + _KEPT


def parts_of(app: Outside, face: FaceGateway) -> dict[str, Ask | None]:
    """Say how each part is asked: for what cannot be there, wherever something is asked for."""
    store, images, events = app.store, app.images, app.events
    return {
        "settings": _ask_nothing,
        "vault": app.app_secret.check,
        "table": lambda: store.load(NO_SESSION_ID),
        "queue": app.queue.check,
        "face": lambda: face.get(Kind.LIVENESS, _NO_FACE_SESSION),
        "images": (lambda: images.load(NO_SESSION_ID)) if images else None,
        "events": events.check if events else None,
    }


async def _ask_nothing() -> None:
    """Without its settings the app would not be there to ask."""


async def _find_failure(ask: Ask) -> AppError | None:
    try:
        await ask()
    except AppError as error:
        return error
    return None

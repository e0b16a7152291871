"""The app's own secret, from which its keys are derived: made once, never rotated, so kept."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from math import ceil

from shared.errors import KeyUnavailableError
from shared.face.credentials import PAUSE_SECONDS
from shared.face.key_vault import VaultSecret
from shared.secret import Secret
from shared.single_flight import SingleFlight

_MIN_LENGTH = 32
_PAUSE = timedelta(seconds=PAUSE_SECONDS)


def parse_app_secret(value: str) -> Secret:
    """Take a text that is long enough, every character of it."""
    if len(value) < _MIN_LENGTH:
        raise KeyUnavailableError(f"the app's secret has fewer than {_MIN_LENGTH} characters")
    return Secret(value)


class VaultAppSecret:
    """The secret, asked for until it is there, and then no more."""

    def __init__(
        self,
        secret: VaultSecret,
        *,
        beside: Sequence[Callable[[], Awaitable[object]]],
        now: Callable[[], datetime],
    ) -> None:
        """Take the secret, and what else a process's first create fetches, at the same time."""
        self._secret = secret
        self._beside = beside
        self._now = now
        self._fetching = SingleFlight(self._fetch)

    async def get(self) -> Secret:
        """Return it; while there is none, the vault is asked now and then."""
        if self._secret.known:
            return self._secret.known
        if wait := self._seconds_left():
            raise KeyUnavailableError(
                "the vault had no secret for the app", retry_after_seconds=wait
            )
        try:
            return await self._fetching.join()
        except KeyUnavailableError as error:
            error.retry_after_seconds = self._seconds_left() or None
            raise

    async def check(self) -> None:
        """Ask the vault, though the secret be known."""
        await self._secret.fetch()

    async def close(self) -> None:
        """Break off what is fetched, beside it too: it would open anew what is closed next."""
        await self._fetching.close()

    def _seconds_left(self) -> int:
        wait = self._secret.missing_at + _PAUSE - self._now()
        return max(0, ceil(wait.total_seconds()))

    async def _fetch(self) -> Secret:
        fetching = asyncio.ensure_future(self._secret.fetch())
        # What fails beside it is met again, and named, by whoever needs it.
        beside = (fetch() for fetch in self._beside)
        await asyncio.gather(fetching, *beside, return_exceptions=True)
        return fetching.result()

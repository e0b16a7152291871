"""The keys that a tenant's tokens are signed with: fetched from Entra, kept, seldom fetched again.

https://learn.microsoft.com/entra/identity-platform/signing-key-rollover
"""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from math import ceil
from typing import Self

import aiohttp

from shared import telemetry
from shared.entra.access_token import SigningKey, parse_keys
from shared.errors import SigningKeysUnavailableError
from shared.single_flight import SingleFlight

# Entra publishes a key before it signs with it, and wants to be asked for new ones once a day.
_MAX_AGE = timedelta(days=1)
# Anybody can send tokens that name a key which nobody has: those must not make us ask each time.
_MIN_REFETCH_INTERVAL = timedelta(minutes=5)
_MAX_ANSWER_BYTES = 1024 * 1024
_NEVER = datetime.min.replace(tzinfo=UTC)


class SigningKeys:
    """One tenant's keys; however many wait for them, they are fetched once."""

    def __init__(self, http: aiohttp.ClientSession, url: str, now: Callable[[], datetime]) -> None:
        """Take a session that is ready to use."""
        self._http = http
        self._url = url
        self._now = now
        self._keys: Mapping[str, SigningKey] = {}
        self._fetched_at = self._hold_until = _NEVER
        self._is_away = False
        self._wanted = ""
        self._fetching = SingleFlight(self._fetch)

    @classmethod
    def connect(
        cls, authority: str, tenant_id: str, *, timeout_seconds: float, now: Callable[[], datetime]
    ) -> Self:
        """Open a session of their own; nothing is sent yet."""
        http = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=timeout_seconds),
        )
        return cls(http, f"{authority}/{tenant_id}/discovery/v2.0/keys", now)

    async def find(self, key_id: str) -> SigningKey | None:
        """Return the key of this id, or None where the tenant has no such.

        SigningKeysUnavailableError where nobody knows, because the keys cannot be had.
        """
        if self._is_due(key_id):
            self._wanted = key_id
            if key_id in self._keys:
                # It serves on while its successors are fetched.
                self._fetching.start()
            else:
                await self._fetching.join()
        if key_id not in self._keys and self._is_away:
            raise SigningKeysUnavailableError(
                "the tenant's signing keys cannot be had", retry_after_seconds=self._seconds_left()
            )
        return self._keys.get(key_id)

    async def close(self) -> None:
        """Break off what runs, and close the session."""
        await self._fetching.close()
        await self._http.close()

    def _seconds_left(self) -> int | None:
        # Where no key is known, everybody's next call asks Entra.
        wait = (self._hold_until - self._now()).total_seconds()
        return max(1, ceil(wait)) if self._keys else None

    def _is_due(self, key_id: str) -> bool:
        now = self._now()
        is_wanted = key_id not in self._keys or now - self._fetched_at >= _MAX_AGE
        return is_wanted and (now >= self._hold_until or not self._keys)

    async def _fetch(self) -> None:
        asked_at = self._now()
        try:
            self._keys = parse_keys(await self._read_answer())
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            self._is_away = True
            cause = str(error) if type(error) is ValueError else type(error).__name__
            telemetry.log_event("signing keys unavailable", level=logging.WARNING, cause=cause)
        else:
            self._is_away, self._fetched_at = False, asked_at
        if self._is_away or self._wanted not in self._keys:
            self._hold_until = asked_at + _MIN_REFETCH_INTERVAL

    async def _read_answer(self) -> bytes:
        body = bytearray()
        async with self._http.get(self._url, allow_redirects=False) as answer:
            if answer.status != HTTPStatus.OK:
                raise ValueError(f"Entra answered {answer.status}")
            async for piece in answer.content.iter_any():
                body += piece
                if len(body) > _MAX_ANSWER_BYTES:
                    raise ValueError("Entra answered far too much")
        return bytes(body)

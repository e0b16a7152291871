"""The Face key: kept while Face takes it, refreshed when it ages, or when Face refuses it."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from math import ceil

from shared.errors import FaceRefusedError, KeyUnavailableError
from shared.face.credentials import PAUSE_SECONDS
from shared.face.key_vault import VaultSecret
from shared.secret import Secret

_MAX_LENGTH = 1024
_PAUSE = timedelta(seconds=PAUSE_SECONDS)


def parse_key(value: str) -> Secret:
    """Take what a header can carry; blanks around it come from pasting."""
    key = value.strip()
    if not key.isascii() or not key.isprintable() or not 0 < len(key) <= _MAX_LENGTH:
        raise KeyUnavailableError("the vault's secret is not a key")
    return Secret(key)


class KeyVaultCredential:
    """The key of the Face account; a vault that is away is no reason to stop using a good one."""

    def __init__(
        self, secret: VaultSecret, *, max_age: timedelta, now: Callable[[], datetime]
    ) -> None:
        """Take the secret that holds the key."""
        self._secret = secret
        self._max_age = max_age
        self._now = now
        self._refused: Secret | None = None
        self._refused_until = datetime.min.replace(tzinfo=UTC)

    async def get(self) -> Secret:
        """Return the key that is known, which is refreshed in the background when it has aged."""
        known = self._secret.known
        if known is None:
            return await self._secret.fetch()
        self.check()
        now = self._now()
        is_aged = now - self._secret.fetched_at >= self._max_age
        if is_aged and now - self._secret.failed_at >= _PAUSE:
            self._secret.start_fetch()
        return known

    async def refresh(self, refused: Secret) -> Secret | None:
        """Return the vault's key of now, unless that is the one that Face refuses."""
        if self._remaining_seconds(refused) > 0:
            return None
        if self._secret.known in {None, refused}:
            with suppress(KeyUnavailableError):
                await self._secret.fetch()
        newer = self._secret.known
        if newer is None or newer == refused:
            self._refused, self._refused_until = refused, self._now() + _PAUSE
            return None
        return newer

    def check(self) -> None:
        """Raise FaceRefused while the key that is known is one that Face refuses."""
        remaining = self._remaining_seconds(self._secret.known)
        if remaining > 0:
            raise FaceRefusedError(
                "Face said 401, and the vault has no newer key",
                retry_after_seconds=ceil(remaining),
                face_status=HTTPStatus.UNAUTHORIZED,
                is_breaker_open=True,
            )

    def _remaining_seconds(self, key: Secret | None) -> float:
        if key is None or key != self._refused:
            return 0.0
        return (self._refused_until - self._now()).total_seconds()

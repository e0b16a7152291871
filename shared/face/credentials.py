"""What Face is asked with: an account's key, or a token."""

from typing import Protocol

from shared.secret import Secret

# How long neither Face nor the vault is asked again in vain.
PAUSE_SECONDS = 30


class FaceCredential(Protocol):
    """Where the key or token for Face comes from."""

    async def get(self) -> Secret:
        """Return one that is recent enough; KeyUnavailable when none can be had.

        FaceRefused for a while after Face has refused the one that there is.
        """
        ...

    def check(self) -> None:
        """Raise FaceRefused for a while after Face has refused the one that there is."""
        ...

    async def refresh(self, refused: Secret) -> Secret | None:
        """Return a newer one than Face refused; None when there is none, or none can be had."""
        ...

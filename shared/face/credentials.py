"""What Face is asked with: an account's key, or a token."""

from typing import Protocol

from shared.secret import Secret


class FaceCredential(Protocol):
    """Where the key or token for Face comes from. Both methods may raise KeyUnavailable."""

    async def get(self) -> Secret:
        """Return one that is recent enough."""
        ...

    async def refresh(self, refused: Secret) -> Secret:
        """Return a newer one than Face refused, if there is one."""
        ...

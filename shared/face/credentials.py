"""What Face is asked with: an account's key, or a token."""

from typing import Protocol

from shared.secret import Secret


class FaceCredential(Protocol):
    """Where the Face key comes from. Both methods may raise KeyUnavailable."""

    async def current(self) -> Secret:
        """Return a key that is recent enough."""
        ...

    async def refresh(self, refused: Secret) -> Secret:
        """Return a newer key than the one that Face refused, if there is one."""
        ...

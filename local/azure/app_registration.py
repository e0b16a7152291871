"""The app as Entra knows it: its tenant, its audience, and which roles its callers have there."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

ROLES = ("Liveness.Server", "Liveness.Operator")

_TENANT_ID = "11111111-1111-1111-1111-111111111111"
_AUDIENCE = "api://face-liveness"


@dataclass(slots=True, kw_only=True)
class AppRegistration:
    """What tokens for the app say beside what all tokens say."""

    tenant_id: str = _TENANT_ID
    audience: str = _AUDIENCE
    roles: tuple[str, ...] = ROLES

    @classmethod
    def of_settings(cls, settings: Mapping[str, str]) -> Self | None:
        """Take what the settings name, else our own; None where callers come with keys."""
        if settings.get("SERVER_AUTH", "").strip() != "entra":
            return None
        return cls(
            tenant_id=settings.get("ENTRA_TENANT_ID", "").strip().lower() or _TENANT_ID,
            audience=settings.get("ENTRA_AUDIENCE", "").strip() or _AUDIENCE,
        )

    # https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
    def claims(self, client_id: str) -> dict[str, object]:
        """Say what a managed identity's token for the app says, of version 1 as theirs are."""
        object_id = str(uuid.uuid5(uuid.NAMESPACE_OID, client_id))
        return {
            "iss": f"https://sts.windows.net/{self.tenant_id}/",
            "appidacr": "2",
            "idp": f"https://sts.windows.net/{self.tenant_id}/",
            "oid": object_id,
            "roles": list(self.roles),
            "sub": object_id,
            "tid": self.tenant_id,
            "ver": "1.0",
        }

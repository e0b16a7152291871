"""What a setting may be that names something."""

import re
from dataclasses import replace

from shared.setting_rules import Rule, matching

# What azd takes, too, and what may stand in a path as it is:
# https://datatracker.ietf.org/doc/html/rfc3986#section-3.3
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z0-9._()-]{1,64}", re.ASCII)
# https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#object-identifiers
_SECRET_NAME = re.compile("[A-Za-z0-9-]{1,127}", re.ASCII)
_MODEL_VERSION = re.compile("[A-Za-z0-9][A-Za-z0-9.-]{0,63}", re.ASCII)
_GUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TENANT_ID = re.compile(_GUID, re.ASCII | re.IGNORECASE)
# A client id, or an App ID URI: https://learn.microsoft.com/entra/identity-platform/identifier-uri-restrictions
# Only the scope that a token is asked for by ends in /.default, never the audience in the token.
_AUDIENCE = re.compile(
    rf"{_GUID}|(?!.*/\.default$)[a-z][a-z0-9+.-]*:/*[!-.0-;=?-z~][!-;=?-z~]{{0,254}}",
    re.ASCII | re.IGNORECASE,
)


def model_version() -> Rule[str]:
    """Want the name of one of Face's models, which Face lists nowhere for good."""
    must_be = "1 to 64 letters, digits, dots and hyphens, such as 2024-11-15"
    return matching(_MODEL_VERSION, must_be, "")


def environment_name(default: str) -> Rule[str]:
    """Want a name that can be a part of a path."""
    must_be = "1 to 64 letters, digits, dots, hyphens, underscores and parentheses"
    return matching(_ENVIRONMENT_NAME, must_be, default)


def secret_name(default: str) -> Rule[str]:
    """Want the name of a secret in a vault."""
    return matching(_SECRET_NAME, "1 to 127 letters, digits and hyphens", default)


def tenant_id() -> Rule[str]:
    """Want a tenant by its id: a domain's name is not in tokens."""
    wanted = matching(_TENANT_ID, "a GUID", "")
    return replace(wanted, parse=lambda text: wanted.parse(text).lower())


def audience() -> Rule[str]:
    """Want whom tokens are for, as they say it themselves."""
    return matching(_AUDIENCE, "the app's client id, or its URI without /.default", "")

"""What Microsoft's clients raise, and what of it may be told: names and codes, never texts."""

import re
from http.client import HTTPException

from azure.core.exceptions import AzureError

# Beside their own: what they let through when an answer is cut short, or comes from somebody else.
CLIENT_ERRORS = (
    AzureError,
    AttributeError,
    HTTPException,
    LookupError,
    OSError,
    TimeoutError,
    TypeError,
    ValueError,
)
_CODE = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)


def describe(error: Exception) -> str:
    """Name the error, the status and the codes that the service gave, the inner one last."""
    said = getattr(error, "error", None)
    inner = getattr(said, "innererror", None)
    found = [
        type(error).__name__,
        getattr(error, "status_code", None),
        getattr(error, "error_code", None) or getattr(said, "code", None),
        inner.get("code") if isinstance(inner, dict) else None,
    ]
    codes = [str(getattr(code, "value", code)) for code in found if code]
    return " ".join(code for code in codes if _CODE.fullmatch(code))

"""Cross-origin rules, answered by the host before any function is looked for. No I/O here."""

from collections.abc import Iterable, Mapping

_ANY = "*"
# What a page may send to any site without a preflight: https://fetch.spec.whatwg.org/#cors-safelisted-request-header
_FORM_TYPES = {"application/x-www-form-urlencoded", "multipart/form-data", "text/plain", ""}


class Cors:
    """The allowed origins; any method and any header; never with credentials."""

    def __init__(self, origins: Iterable[str] = ()) -> None:
        """Take them as they are configured: in any letter case, and without a slash at the end."""
        self._origins = frozenset(origin.lower() for origin in origins)

    def is_preflight(self, method: str, headers: Mapping[str, str]) -> bool:
        """Tell a browser's question from a request of its own; without origins there is none."""
        asks = "Origin" in headers and "Access-Control-Request-Method" in headers
        return bool(self._origins) and method == "OPTIONS" and asks

    def preflight_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Say yes to what an allowed origin asks for, and nothing to any other."""
        if not self.allows(headers):
            return {}
        answer = {"Access-Control-Allow-Methods": headers["Access-Control-Request-Method"]}
        if wanted := headers.get("Access-Control-Request-Headers"):
            answer["Access-Control-Allow-Headers"] = wanted
        return answer

    def response_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Name the caller's origin when it is allowed; with one origin alone nothing varies."""
        if not self.allows(headers):
            return {}
        if _ANY in self._origins:
            return {"Access-Control-Allow-Origin": _ANY}
        varies = {"Vary": "Origin"} if len(self._origins) > 1 else {}
        return {"Access-Control-Allow-Origin": headers["Origin"], **varies}

    def allows(self, headers: Mapping[str, str]) -> bool:
        """Compare the caller's origin exactly, as browsers write it: no slash, lower case."""
        return "Origin" in headers and bool({headers["Origin"], _ANY} & self._origins)

    def is_foreign_form(self, method: str, headers: Mapping[str, str]) -> bool:
        """Tell a form that a page on some other site has posted, unasked."""
        media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        is_own = headers.get("Origin") == f"http://{headers.get('Host')}"
        is_foreign = "Origin" in headers and not (is_own or self.allows(headers))
        return is_foreign and method == "POST" and media_type in _FORM_TYPES

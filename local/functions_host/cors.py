"""Cross-origin rules, answered by the host before any function is looked for. No I/O here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cors:
    """The allowed origins; any method and any header; never with credentials."""

    origins: Sequence[str] = ()

    def is_preflight(self, method: str, headers: Mapping[str, str]) -> bool:
        """Tell a browser's question from a request of its own; without origins there is none."""
        asks = "Origin" in headers and "Access-Control-Request-Method" in headers
        return bool(self.origins) and method == "OPTIONS" and asks

    def preflight_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Say yes to what an allowed origin asks for, and nothing to any other."""
        answer = self.response_headers(headers)
        if "Access-Control-Allow-Origin" in answer:
            answer["Access-Control-Allow-Methods"] = headers["Access-Control-Request-Method"]
            if wanted := headers.get("Access-Control-Request-Headers"):
                answer["Access-Control-Allow-Headers"] = wanted
        return answer

    def response_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Name the caller's origin when it is allowed; caches must tell origins apart."""
        if not self.origins:
            return {}
        if "*" in self.origins:
            return {"Access-Control-Allow-Origin": "*"} if "Origin" in headers else {}
        origin = headers.get("Origin", "")
        is_allowed = origin.lower() in {allowed.lower().rstrip("/") for allowed in self.origins}
        return {"Vary": "Origin"} | ({"Access-Control-Allow-Origin": origin} if is_allowed else {})

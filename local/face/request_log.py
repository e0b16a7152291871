"""Every call that reached the Face simulator, for tests and the curious."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime


@dataclass(slots=True, kw_only=True)
class Call:
    """One call; its status stays 0 until it is answered, and for good if it never is."""

    method: str
    path: str
    time: str
    status: int = 0


class RequestLog:
    """Lists calls in the order in which they came."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Begin empty."""
        self._now = now
        self._calls: list[Call] = []

    def record(self, method: str, path: str) -> Call:
        """Record a call; whoever answers it fills in the status."""
        time = self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        call = Call(method=method, path=path, time=time)
        self._calls.append(call)
        return call

    def as_json(self) -> list[dict[str, object]]:
        """Return all calls so far, as JSON has them."""
        return [asdict(call) for call in self._calls]

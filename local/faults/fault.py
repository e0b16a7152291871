"""Faults in waiting: which calls shall fail, how, and how often. No I/O here."""

from dataclasses import dataclass, replace
from enum import StrEnum

_FACE = ("create", "get", "delete", "image", "detect")
OPERATIONS = (*_FACE, "any", "vault", "identity", "topic")


class WireFault(StrEnum):
    """How an answer breaks on its way."""

    RESET = "reset"
    TRUNCATE = "truncate"
    GARBAGE = "garbage"
    # The call is carried out, and nobody learns of it.
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to the next calls of one operation."""

    operation: str
    times: int
    status: int | None = None
    code: str | None = None
    body: str | None = None
    retry_after_seconds: int | None = None
    delay_ms: float = 0
    kind: WireFault | None = None

    @property
    def is_only_late(self) -> bool:
        """Tell whether the call is carried out and answered all the same."""
        return self.status is None and self.kind is None

    def fits(self, operation: str) -> bool:
        """Tell whether it is meant for this call; `any` is any call to Face."""
        return self.operation == operation or (self.operation == "any" and operation in _FACE)


class FaultQueue:
    """Hands each call the first fault that fits it, as often as that fault has left."""

    def __init__(self) -> None:
        """Begin without faults."""
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Put a fault behind those that wait already."""
        self._waiting.append(fault)

    def clear(self) -> None:
        """End all faults."""
        self._waiting.clear()

    def take(self, operation: str) -> Fault | None:
        """Use up one time of the first fault that fits."""
        for place, fault in enumerate(self._waiting):
            if fault.fits(operation):
                left = replace(fault, times=fault.times - 1)
                self._waiting[place : place + 1] = [left] if left.times else []
                return fault
        return None

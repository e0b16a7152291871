"""What was found broken."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One invariant that does not hold, where, and what is there instead."""

    invariant: str
    detail: str
    session_id: str | None = None


@dataclass(slots=True)
class Findings:
    """Collects findings; an invariant that was checked and held is told of, too."""

    found: list[Finding] = field(default_factory=list)
    held: dict[str, int] = field(default_factory=dict)

    def check(
        self, holds: object, invariant: str, detail: object = "", session_id: str | None = None
    ) -> None:
        """Note whether something is as it must be."""
        self.held[invariant] = self.held.get(invariant, 0) + bool(holds)
        if not holds:
            self.found.append(
                Finding(invariant=invariant, detail=str(detail), session_id=session_id)
            )

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.found)

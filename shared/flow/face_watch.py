"""Whether Face is there, as far as one run of the sweep has learned: how many may ask at once."""

from dataclasses import dataclass, field

from shared.session.alarm import Alarm

_CONCURRENCY = 8
# So many in a row without an answer, and Face is taken to be away.
_MAX_IN_VAIN = 8


@dataclass(slots=True)
class Asked:
    """What came of asking Face about a few at once."""

    # Whom an open breaker has kept from being asked, and for how long.
    held: list[Alarm] = field(default_factory=list)
    retry_after_seconds: int = 0
    unanswered: int = 0
    has_answer: bool = False


@dataclass(slots=True)
class FaceWatch:
    """One asks first whether Face is there, the others follow at once.

    An open breaker is waited for once after each answer; else Face is in doubt, and away if another
    session, as far from those as can be, has no answer either: a few that fail for themselves
    alone open the breaker, too, and must not keep Face from being heard about all others.
    """

    concurrency: int = 1
    is_in_doubt: bool = False
    is_away: bool = False
    _in_vain: int = 0
    _may_wait: bool = False

    def learn(self, asked: Asked) -> None:
        """Take in what came of the last few."""
        self._in_vain = 0 if asked.has_answer else self._in_vain + asked.unanswered
        may_wait, is_held = self._may_wait or asked.has_answer, bool(asked.held)
        has_no_answer = self._in_vain >= _MAX_IN_VAIN or (is_held and not may_wait)
        self.is_away = has_no_answer and self.is_in_doubt
        self.is_in_doubt = has_no_answer
        self._may_wait = may_wait and not is_held
        self.concurrency = _CONCURRENCY if asked.has_answer and not is_held else 1

"""What one frontend and its device will do: a pure function of the seed."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

_OVERRIDES: tuple[dict[str, object], ...] = (
    {"isIdentical": False},
    {"isIdentical": None},
    {"matchConfidence": None},
    {"verifyImageHash": "ab" * 32},
    {"verifyImageHash": None},
)
_ATTACK_SECONDS = 25
ERRORS = ("FaceWithMaskDetected", "TimedOut", "NoFaceDetected", "CameraStartupFailure")


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """The device plays once."""

    outcome: str
    overrides: dict[str, object] = field(default_factory=dict)
    pause: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The frontend says that its check is over; `digest` is right, wrong, other or none."""

    digest: str = "none"
    error: str | None = None
    pause: float = 0.0
    insists: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """The frontend gives up."""

    pause: float = 0.0
    insists: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """The frontend asks for the status, or the server for the result."""

    what: str
    pause: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Consume:
    """The server makes use of the result, under a name."""

    consumer: str
    pause: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """The create is repeated with the same key, though its answer has come."""

    pause: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """All of it at the same instant."""

    steps: tuple["Step", ...]
    pause: float = 0.0


type Step = Play | Report | Cancel | Ask | Consume | Again | Together


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One session, as its frontend means it to go."""

    number: int
    recipe: str
    starts_at: float
    with_verify: bool
    person: str
    by_user: bool
    with_image: bool
    key: str | None
    creates_at_once: int
    patience: float
    token_seconds: int
    steps: tuple[Step, ...]


def scripts(random: Random, *, count: int, seconds: float) -> tuple[Script, ...]:
    """Write all scripts; they begin within these seconds."""
    return tuple(_script(random, number, count, seconds) for number in range(count))


def _script(random: Random, number: int, count: int, seconds: float) -> Script:
    recipe, has_key = _chosen(random, _RECIPES)
    keyed = has_key or random.random() < 0.35
    # Some persons have many sessions at once, most have one.
    crowd = random.random() < 0.3
    person = f"crowd-{random.randrange(1 + count // 20)}" if crowd else f"person-{number}"
    starts_at = random.uniform(0, seconds)
    if recipe is _attack:
        attackers = 1 + count // 100
        attacker = random.randrange(attackers)
        person = f"attacker-{attacker}"
        # One after the other, and each in a hurry, so that locks are met before time leaps on.
        starts_at = attacker / attackers * seconds + random.uniform(0, _ATTACK_SECONDS)
    return Script(
        number=number,
        recipe=recipe.__name__.lstrip("_"),
        starts_at=starts_at,
        with_verify=random.random() < 0.35,
        person=person,
        by_user=recipe is _attack or random.random() < 0.5,
        with_image=random.random() < 0.5,
        key=f"idempotency-key-{number}-{random.randrange(10**9)}" if keyed else None,
        creates_at_once=2 if keyed and random.random() < 0.15 else 1,
        patience=random.choice((0.05, 0.15, 0.4, 6, 6, 6, 6)),
        token_seconds=random.choice((60, 60, 120, 600)),
        steps=tuple(recipe(random)),
    )


def _chosen[T](random: Random, table: Sequence[tuple[int, T, bool]]) -> tuple[T, bool]:
    (found,) = random.choices(table, weights=[weight for weight, _, _ in table])
    return found[1], found[2]


def _short(random: Random) -> float:
    return random.choice((0.0, 0.02, 0.1, 0.3, 1.0))


def _long(random: Random) -> float:
    return random.uniform(1, 7)


def _play(random: Random, outcome: str | None = None) -> Play:
    kinds = ("realface",) * 6 + ("spoofface", "spoofface", "uncertain", "canceled", "running")
    outcome = outcome or random.choice((*kinds, "error:" + random.choice(ERRORS)))
    # With verify, Face now and then finds another person, another image, or says less than usual.
    overrides = random.choice(_OVERRIDES) if random.random() < 0.4 else {}
    return Play(outcome=outcome, overrides=overrides, pause=_short(random))


def _report(random: Random, digest: str | None = None, error: str | None = None) -> Report:
    return Report(
        digest=digest or random.choice(("right", "right", "right", "none")),
        error=error,
        pause=_short(random),
        insists=random.choice((0, 2, 4, 8)),
    )


def _asks(random: Random) -> list[Step]:
    consumers = tuple(Consume(consumer=name) for name in random.choice(("aa", "ab", "a")))
    asks: tuple[Step, ...] = (
        Ask(what="status", pause=_short(random)),
        Ask(what="result", pause=_short(random)),
        Together(steps=consumers, pause=_short(random)),
    )
    return [ask for ask in asks if random.random() < 0.5]


def _honest(random: Random) -> list[Step]:
    return [_play(random), _report(random), *_asks(random)]


def _silent(random: Random) -> list[Step]:
    return [_play(random), *_asks(random)]


def _absent(random: Random) -> list[Step]:
    return _asks(random)


def _early(random: Random) -> list[Step]:
    late = replace(_play(random), pause=_long(random) / 2)
    again = [_report(random)] if random.random() < 0.5 else []
    return [_report(random, digest="none"), *_asks(random), late, *again, *_asks(random)]


def _twice(random: Random) -> list[Step]:
    digests = random.choice((("right", "right"), ("right", "none"), ("right", "wrong")))
    pair = Together(steps=tuple(replace(_report(random, each), pause=0.0) for each in digests))
    return [_play(random), pair, *_asks(random)]


def _error_first(random: Random) -> list[Step]:
    steps: list[Step] = []
    for _ in range(random.choice((1, 1, 2, 3))):
        error = random.choice(ERRORS)
        steps.append(_play(random, f"error:{error}"))
        steps.append(_report(random, digest="none", error=error))
    return [*steps, _play(random), _report(random), *_asks(random)]


def _only_errors(random: Random) -> list[Step]:
    count = random.choice((1, 2, 3))
    return [_play(random, "error:" + random.choice(ERRORS)) for _ in range(count)]


def _forged(random: Random) -> list[Step]:
    wrong = _report(random, "wrong")
    early = [_report(random, random.choice(("wrong", "other")))] if random.random() < 0.4 else []
    return [*early, _play(random), wrong, *_asks(random)]


def _attack(random: Random) -> list[Step]:
    return [_play(random, "spoofface"), _report(random), *_asks(random)]


def _gives_up(random: Random) -> list[Step]:
    before: list[Step] = [_play(random)] if random.random() < 0.5 else []
    return [*before, Cancel(pause=_short(random)), *_asks(random)]


def _cancel_races(random: Random) -> list[Step]:
    rivals: list[Step] = [Cancel(pause=random.choice((0.0, 0.01, 0.05)))]
    if random.random() < 0.8:
        rivals.append(replace(_report(random), pause=0.0))
    if random.random() < 0.3:
        rivals.append(Cancel())
    first: list[Step] = [_play(random)]
    if random.random() < 0.4:
        rivals.append(replace(_play(random), pause=random.choice((0.0, 0.01, 0.05))))
        first = []
    return [*first, Together(steps=tuple(rivals)), *_asks(random)]


def _play_races(random: Random) -> list[Step]:
    rivals = (replace(_play(random), pause=0.0), replace(_report(random), pause=0.0))
    return [Together(steps=rivals), *_asks(random)]


def _returns(random: Random) -> list[Step]:
    begun: list[Step] = [_play(random)] if random.random() < 0.2 else []
    again = Again(pause=random.choice((0.0, 0.2, 2.0, _long(random))))
    return [*begun, again, *([again] if random.random() < 0.3 else []), *_honest(random)]


def _return_races(random: Random) -> list[Step]:
    rivals: list[Step] = [Again(), random.choice((_report(random), Cancel(), Again()))]
    return [Together(steps=tuple(rivals), pause=_long(random) / 3), *_honest(random)]


_RECIPES = (
    (22, _honest, False),
    (8, _silent, False),
    (6, _absent, False),
    (12, _early, False),
    (9, _twice, False),
    (9, _error_first, False),
    (4, _only_errors, False),
    (8, _forged, False),
    (9, _attack, False),
    (5, _gives_up, False),
    (9, _cancel_races, False),
    (5, _play_races, False),
    (9, _returns, True),
    (8, _return_races, True),
)

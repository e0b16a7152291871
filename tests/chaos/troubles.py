"""What will break and when: a pure function of the seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

# What stands in Face's place and answers for it.
_GATEWAYS: tuple[dict[str, object], ...] = (
    {"code": "404"},
    {"body": "<html><body>No such page</body></html>"},
    {"body": '{"fault": {"faultstring": "no route"}}'},
)
STATUSES = (401, 403, 408, 409, 429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that happens at a moment; `what` says which kind of thing."""

    at: float
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault(Trouble):
    """The next calls of one operation fail in this way."""

    body: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount(Trouble):
    """The clock is moved by, a host is down for, or Storage is silent or away these seconds."""

    seconds: float


def troubles(random: Random, *, seconds: float) -> tuple[Trouble, ...]:
    """Write all troubles within these seconds, in the order of time."""
    kinds = (
        _bursts(random, seconds),
        _outages(random, seconds),
        _kills(random, seconds),
        _skips(random, seconds),
        _freezes(random, seconds),
        _restarts(random, seconds),
        _simple(random, seconds, "sweep", every=4),
        _simple(random, seconds, "rotate", every=30),
        _simple(random, seconds, "poor", every=40),
        _simple(random, seconds, "earlier", every=3),
        _simple(random, seconds, "later", every=3),
    )
    return tuple(sorted((one for kind in kinds for one in kind), key=lambda one: one.at))


def _moments(random: Random, seconds: float, *, every: float) -> Iterator[float]:
    at = random.uniform(0, every)
    while at < seconds:
        yield at
        at += random.uniform(0.5, 1.5) * every


def _bursts(random: Random, seconds: float) -> Iterator[Trouble]:
    for at in _moments(random, seconds, every=0.7):
        operation = random.choice(
            (
                *(*("create",) * 3, *("get",) * 5, *("delete",) * 4, "any", "any"),
                *("vault", "identity", "image", "image", "topic", "topic"),
            )
        )
        # A late key holds up everybody, and too many of those would leave nothing to be seen.
        maximum = 2 if operation in {"vault", "identity"} else 6
        body = {"operation": operation, "times": random.randint(1, maximum), **_breakage(random)}
        yield Fault(at=at, what="fault", body=body)


def _outages(random: Random, seconds: float) -> Iterator[Trouble]:
    for at in _moments(random, seconds, every=14):
        operation = random.choice(("get", "delete", "any", "vault", "identity", "image", "topic"))
        body = {"operation": operation, "times": 100_000, **_breakage(random)}
        yield Fault(at=at, what="fault", body=body)
        yield Trouble(at=min(at + random.uniform(1, 4), seconds), what="clear_faults")


def _kills(random: Random, seconds: float) -> Iterator[Trouble]:
    for at in _moments(random, seconds, every=8):
        yield Amount(at=at, what="kill", seconds=random.choice((0, 0, 0.5, 2)))


def _skips(random: Random, seconds: float) -> Iterator[Trouble]:
    for at in _moments(random, seconds, every=7):
        yield Amount(at=at, what="skip", seconds=random.choice((5, 30, 70, 130, 400, 700)))
    # Once so far that idempotency keys end, and that Face has not yet forgotten anything.
    yield Amount(at=random.uniform(0.3, 0.9) * seconds, what="skip", seconds=25 * 3600)


def _freezes(random: Random, seconds: float) -> Iterator[Trouble]:
    for at in _moments(random, seconds, every=12):
        yield Amount(at=at, what="freeze", seconds=random.choice((0.2, 1, 2, 3.5)))


def _restarts(random: Random, seconds: float) -> Iterator[Trouble]:
    for at in _moments(random, seconds, every=25):
        yield Amount(at=at, what="restart", seconds=random.choice((0, 1, 3)))


def _simple(random: Random, seconds: float, what: str, *, every: float) -> Iterator[Trouble]:
    return (Trouble(at=at, what=what) for at in _moments(random, seconds, every=every))


def _breakage(random: Random) -> dict[str, object]:
    # Never a 404 that says SessionNotFound: that is Face's word, and has to be believed.
    kind = random.choice(
        (*("status",) * 3, "gateway", "lost", "reset", "truncate", "garbage", "delay")
    )
    late: dict[str, object] = {"delayMs": random.choice((50, 300, 1000, 2500))}
    if kind == "delay":
        return late
    rest = late if random.random() < 0.2 else {}
    if kind == "gateway":
        return {"status": random.choice((400, 403, 404)), **random.choice(_GATEWAYS), **rest}
    if kind == "lost":
        return {"answer": "lost", **rest}
    if kind != "status":
        return {"kind": kind, **rest}
    status = random.choice(STATUSES)
    if status == 429 and random.random() < 0.5:
        rest = {**rest, "retryAfterSeconds": random.choice((0, 1, 2, 60))}
    return {"status": status, **rest}

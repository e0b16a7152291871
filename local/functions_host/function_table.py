"""The app's functions: what starts each, and what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass

from local.functions_host.keys import AuthLevel
from local.functions_host.ncrontab import Ncrontab
from local.functions_host.routes import Route

type Binding = Mapping[str, object]
type Trigger = HttpTrigger | QueueTrigger | TimerTrigger


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTrigger:
    """A route and who may call it; no methods means all of them."""

    parameter: str
    template: str
    route: Route
    methods: frozenset[str]
    level: AuthLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueTrigger:
    """A queue whose messages start the function."""

    parameter: str
    queue: str
    connection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerTrigger:
    """A schedule that starts the function."""

    parameter: str
    schedule: Ncrontab
    is_monitored: bool
    runs_on_startup: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function; without a trigger, or with an error, nothing ever starts it."""

    name: str
    function_id: str
    bindings: tuple[Binding, ...]
    trigger: Trigger | None = None
    is_disabled: bool = False
    error: str | None = None

    @property
    def is_on(self) -> bool:
        """Tell whether its trigger may start it."""
        return self.error is None and not self.is_disabled

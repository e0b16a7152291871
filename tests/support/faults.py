"""How something fails in memory: between the app and what is outside it, by the call's name."""

import inspect
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from typing import cast

type Trouble = Exception | Callable[[], object]
# Runs when a call has been carried out; what it raises is all that the caller learns.
type Hook = Callable[[str], Awaitable[None]]


class Crash(BaseException):
    """The process ends here, as by SIGKILL: nothing in the app may catch it."""


class Faults:
    """Calls that fail before they are carried out, or whose answers are lost afterwards."""

    def __init__(self, after: int = 0, hook: Hook | None = None) -> None:
        """Let something happen after the call of this number, whatever its name."""
        self.calls: list[str] = []
        self._after, self._hook = after, hook
        self._until_cleared: dict[str, Exception] = {}
        self._next: dict[str, deque[Trouble]] = defaultdict(deque)
        self._responses: dict[str, deque[Exception]] = defaultdict(deque)

    def fail(self, call: str, error: Exception) -> None:
        """Let a call fail until that is cleared."""
        self._until_cleared[call] = error

    def fail_next(self, call: str, *troubles: Trouble) -> None:
        """Let the next calls fail, or have something else happen just before they work."""
        self._next[call].extend(troubles)

    def drop_responses(self, call: str, *errors: Exception) -> None:
        """Let the next calls work, though their callers learn otherwise."""
        self._responses[call].extend(errors)

    def clear(self) -> None:
        """End what lasts."""
        self._until_cleared.clear()

    def around[T](self, part: T) -> T:
        """Stand between a part and whoever calls it."""
        return cast("T", _Around(part, self))

    async def carry[T](self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        """Make one call, and meet what is laid out for it."""
        self.calls.append(name)
        number = len(self.calls)
        try:
            if name in self._until_cleared:
                raise self._until_cleared[name]
            _meet(self._next[name])
            answer = await call()
            _meet(self._responses[name])
            return answer
        finally:
            if self._hook is not None and number == self._after:
                await self._hook(name)


class _Around:
    def __init__(self, part: object, faults: Faults) -> None:
        self._part = part
        self._faults = faults

    def __getattr__(self, name: str) -> object:
        method = getattr(self._part, name)
        if not callable(method):
            return self._faults.around(method)

        async def carry(*arguments: object, **options: object) -> object:
            return await self._faults.carry(name, lambda: method(*arguments, **options))

        is_outside = inspect.iscoroutinefunction(method) and name != "await_turn"
        return carry if is_outside else method


def _meet(troubles: "deque[Trouble] | deque[Exception]") -> None:
    trouble = troubles.popleft() if troubles else None
    if isinstance(trouble, Exception):
        raise trouble
    if trouble is not None:
        trouble()

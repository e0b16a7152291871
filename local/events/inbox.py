"""The events that came, oldest first, until the stack ends."""

from collections.abc import Callable

type Event = dict[str, object]


class EventInbox:
    """Keeps events as they came, and hands each on."""

    def __init__(self, hand_on: Callable[[Event], None]) -> None:
        """Begin empty."""
        self._hand_on = hand_on
        self._events: list[Event] = []

    def add(self, event: Event) -> None:
        """Keep an event, though it came before: whoever gets it must know it by its id."""
        self._events.append(event)
        self._hand_on(event)

    def as_json(self) -> list[Event]:
        """Return all events so far."""
        return list(self._events)

    def clear(self) -> None:
        """Forget them."""
        self._events.clear()

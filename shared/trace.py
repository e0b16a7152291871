"""The caller's W3C trace context: on to Face, and through the queue to whoever goes on.

https://www.w3.org/TR/trace-context/#traceparent-header-field-values
"""

import re
from contextvars import ContextVar
from dataclasses import dataclass

HEADER = "traceparent"

_TRACE_PARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trace:
    trace_parent: str
    trace_id: str
    is_from_message: bool


# Each invocation runs in a context of its own.
_followed: ContextVar[_Trace | None] = ContextVar("followed", default=None)


def follow_trace(trace_parent: str | None, *, is_from_message: bool = False) -> None:
    """Go on in a trace; what does not have the shape of one is none."""
    trace = None
    if found := _TRACE_PARENT.fullmatch(trace_parent or ""):
        trace = _Trace(trace_parent=found[0], trace_id=found[1], is_from_message=is_from_message)
    _followed.set(trace)


def find_trace_parent() -> str | None:
    """Name the span in which we are called, below which whatever we call is: the platform's."""
    trace = _followed.get()
    return trace.trace_parent if trace else None


def find_foreign_id() -> str | None:
    """Return the id of a trace that the platform does not write beside our lines by itself."""
    trace = _followed.get()
    return trace.trace_id if trace and trace.is_from_message else None

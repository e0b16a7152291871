"""W3C trace context: continue the caller's trace or begin one. No I/O here."""

import re
import secrets

from local.functions_host.worker import TraceContext

# https://www.w3.org/TR/trace-context/#traceparent-header-field-values
_TRACE_PARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")
NO_TRACE = TraceContext()


def next_trace(trace_parent: str = "", trace_state: str = "") -> TraceContext:
    """Open a span of our own below the caller's, or below nobody's."""
    span = secrets.token_hex(8)
    if found := _TRACE_PARENT.fullmatch(trace_parent.strip()):
        return TraceContext(
            trace_parent=f"00-{found[1]}-{span}-{found[2]}", trace_state=trace_state
        )
    return TraceContext(trace_parent=f"00-{secrets.token_hex(16)}-{span}-00")

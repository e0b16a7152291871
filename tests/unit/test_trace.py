import asyncio

from hypothesis import given
from hypothesis import strategies as st

from shared import trace

TRACE_ID, SPAN_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACE_PARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"
OTHER = f"00-{'9' * 32}-{'9' * 16}-00"
# https://www.w3.org/TR/trace-context/#versioning-of-traceparent
NO_TRACES = [
    None,
    "",
    "-",
    TRACE_PARENT.upper(),
    TRACE_PARENT + "-00",
    TRACE_PARENT + "\n",
    " " + TRACE_PARENT,
    TRACE_PARENT[:-1],
    f"01-{TRACE_ID}-{SPAN_ID}-01",
    f"ff-{TRACE_ID}-{SPAN_ID}-01",
    f"00-{'0' * 32}-{SPAN_ID}-01",
    f"00-{TRACE_ID}-{'0' * 16}-01",
    f"00-{TRACE_ID}-{SPAN_ID}-0g",
]


def test_whatever_we_call_is_called_in_the_trace_that_we_are_called_in() -> None:
    trace.follow_trace(TRACE_PARENT)

    assert (trace.find_trace_parent(), trace.find_foreign_id()) == (TRACE_PARENT, None)


def test_what_is_no_traceparent_is_followed_by_nobody() -> None:
    for text in NO_TRACES:
        trace.follow_trace(TRACE_PARENT, is_from_message=True)
        trace.follow_trace(text, is_from_message=True)

        assert (trace.find_trace_parent(), trace.find_foreign_id()) == (None, None), text


@given(text=st.text(alphabet="0123456789abcdef-", max_size=60))
def test_whatever_comes_what_goes_on_is_a_traceparent_or_nothing(text: str) -> None:
    trace.follow_trace(text)

    assert trace.find_trace_parent() in {text, None}


async def test_an_invocation_follows_its_own_trace_only() -> None:
    async def invoke(trace_parent: str) -> str | None:
        trace.follow_trace(trace_parent)
        await asyncio.sleep(0)
        return trace.find_trace_parent()

    spans = await asyncio.gather(*map(invoke, [TRACE_PARENT, "none", OTHER]))

    assert spans == [TRACE_PARENT, None, OTHER]

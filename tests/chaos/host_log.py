"""What a host of ours may have logged: failures that a message's repeat mends, and no others.

Nothing here is needed to judge: on any other host a failed call is a 500 to its caller, a failed
message ends in poison, and a failed sweep does not say that it has ended.
"""

import re
from collections import Counter
from collections.abc import Iterator

from tests.chaos.findings import Findings

# A message that the table fails comes again; that Face has no answer is no failure of a message.
_MAY_RAISE = {"record_result": {"StoreUnavailableError", "SessionConflictError"}}
_LINE = re.compile(r"^(\d\d:\d\d:\d\d\.\d{3} (?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\b|=== killed)")
_FAILED = re.compile(r"(\w+) failed after \d+ms")
_TRIED_AGAIN = re.compile(r"to be tried again: (\w+)")
_RAISED = re.compile(r"^([A-Za-z_][\w.]*)(?::.*)?$")
_SENT = re.compile(r'asked again later sessionId="(\w+)" at="([^"]+)"')
_NEVER = re.compile(
    r"never retrieved|never awaited|Unclosed|Unhandled|Traceback \(most recent call last\)"
)


def check_messages(text: str, findings: Findings) -> int:
    """Check that nobody sent a second message for the same look, and count them."""
    sent = Counter(_SENT.findall(text))
    for (session_id, at), times in sent.items():
        findings.check(times == 1, "a session has one message for each look", at, session_id)
    return sent.total()


def check(text: str, findings: Findings) -> Counter[str]:
    """Check every record, and count what the functions raised."""
    raised = Counter[str]()
    for record in _records(text):
        failed = _FAILED.search(record.partition("\n")[0])
        if failed:
            name = _cause(record)
            raised[f"{failed[1]}: {name}"] += 1
            allowed = name in _MAY_RAISE.get(failed[1], ())
            findings.check(allowed, "no function fails but a message's", record[-3000:])
        else:
            known = not _NEVER.search(record)
            findings.check(known, "the host logs no stray failure", record[-3000:])
    return raised


def _records(text: str) -> Iterator[str]:
    record: list[str] = []
    for line in text.splitlines():
        if _LINE.match(line):
            yield "\n".join(record)
            record = []
        record.append(line)
    yield "\n".join(record)


def _cause(record: str) -> str:
    if one_line := _TRIED_AGAIN.search(record):
        return one_line[1]
    named = [found[1] for line in record.splitlines() if (found := _RAISED.match(line))]
    return named[-1].rpartition(".")[2] if named else "?"

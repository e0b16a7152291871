"""A host that runs already, and the stack beside it, which tests can be pointed at.

TEST_HOST_URL is where it answers, TEST_HOST_STATE the state folder of the `local up` beside it. It
must have been started with what `tests.host_settings` writes; `.ci/any-host` does all of it.
"""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from local.ports import Ports
from local.stack import host_readiness
from local.stack.stack import Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyHost:
    """A host that somebody else has started and will stop, and so the stack."""

    url: str
    stack: Stack

    async def wait(self) -> None:
        """Wait until it answers, which may take it a while."""
        await host_readiness.wait(urlsplit(self.url).port or 80)


def given(environment: Mapping[str, str] = os.environ) -> AnyHost | None:
    """Return the host that the tests are pointed at, if they are."""
    url, state = environment.get("TEST_HOST_URL"), environment.get("TEST_HOST_STATE")
    if not url:
        return None
    if not state:
        raise LookupError("TEST_HOST_URL needs TEST_HOST_STATE, the state folder of `local up`")
    return AnyHost(url=url.rstrip("/"), stack=_stack_of(Path(state)))


def _stack_of(state: Path) -> Stack:
    names = _exports_of(state / "func.env")
    face = urlsplit(names["FACE_ENDPOINT"]).port
    if face is None:
        raise LookupError(f"the stack of {state} has no Face of its own")
    return Stack(ports=Ports(base=face - 1), state=state)


def _exports_of(path: Path) -> dict[str, str]:
    words = shlex.split(path.read_text(encoding="utf-8"))
    return {name: value for name, sign, value in (one.partition("=") for one in words) if sign}

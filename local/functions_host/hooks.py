"""What whoever starts the host may have done around the app's life, which Azure has no word for."""

import importlib
import inspect
import logging
from collections.abc import Awaitable, Callable

from local.functions_host.start_error import HostStartError

_logger = logging.getLogger(__name__)

type Hook = Callable[[], Awaitable[None] | None]


def load_hook(address: str) -> Hook:
    """Find the function that `module:function` names."""
    module, _, name = address.partition(":")
    try:
        hook: Hook = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as missing:
        raise HostStartError(f"there is no hook '{address}': {missing}") from missing
    return hook


async def run_hook(hook: Hook) -> None:
    """Call a hook, and wait for its end if it has something to wait for."""
    ending = hook()
    if inspect.isawaitable(ending):
        await ending


async def run_last_hook(hook: Hook) -> None:
    """Call a hook at the stop, which goes on whatever the hook does."""
    try:
        await run_hook(hook)
    except Exception:
        _logger.exception("the hook at the stop failed")

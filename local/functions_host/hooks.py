"""What whoever starts the host may have done around the app's life, which Azure has no word for."""

import importlib
import inspect
import logging
import traceback
from collections.abc import Awaitable, Callable

from local.functions_host.start_error import HostStartError

_logger = logging.getLogger(__name__)

type Hook = Callable[[], Awaitable[None] | None]


def load_hook(address: str) -> Hook:
    """Find the function that `module:function` names; the module may bring the app along."""
    module, _, name = address.partition(":")
    try:
        hook: Hook = getattr(importlib.import_module(module), name)
    except Exception as broken:
        reason = traceback.format_exc()
        raise HostStartError(f"the hook '{address}' could not be loaded:\n{reason}") from broken
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

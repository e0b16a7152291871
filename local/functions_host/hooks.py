"""What whoever starts the host may have done before the app is loaded: Azure has no such hook."""

import importlib
import inspect
import traceback
from collections.abc import Awaitable, Callable

from local.functions_host.start_error import HostStartError

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

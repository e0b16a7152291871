"""Joins the app to the stack where somebody else starts its process, as Core Tools do.

Python imports a module of this name when it starts, from whichever folder of PYTHONPATH has one;
`func.env` puts this one there. The app is not there yet: its packages come later.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import find_spec, spec_from_file_location
from types import ModuleType

_AWAITED = "shared.composition"


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        from local.stack import app_hooks  # noqa: PLC0415 - it imports what has just been loaded

        app_hooks.join_stack()


class _Finder(MetaPathFinder):
    """Looks out for the module that has the app's clock, once."""

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find it as ever, and load it with what belongs to it here."""
        if fullname != _AWAITED:
            return None
        sys.meta_path.remove(self)
        found = find_spec(fullname)
        if found is None or found.origin is None:
            return found
        return spec_from_file_location(
            fullname, found.origin, loader=_Loader(fullname, found.origin)
        )


sys.meta_path.insert(0, _Finder())

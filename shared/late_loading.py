"""Modules that are loaded when something of them is first used, not when they are imported.

Python 3.15 has a statement for it: https://peps.python.org/pep-0810/
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType


class _LateFinder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        # Only ours: what Python itself imports meanwhile it needs at once.
        is_ours = fullname.startswith("shared.")
        spec = PathFinder.find_spec(fullname, path, target) if is_ours else None
        # A package has nothing in it but its modules.
        if spec is not None and spec.loader is not None and not spec.submodule_search_locations:
            spec.loader = LazyLoader(spec.loader)
        return spec


_FINDER = _LateFinder()


@contextmanager
def load_later() -> Iterator[None]:
    """Have what is imported within loaded at the first look at what is in it."""
    sys.meta_path.insert(0, _FINDER)
    try:
        yield
    finally:
        sys.meta_path.remove(_FINDER)

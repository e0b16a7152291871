"""Any JSON value, a little changed: somewhere a part is missing or is something else."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

Path = tuple[str | int, ...]

# What an open or careless service might put in any place; near misses first.
ODD_VALUES: st.SearchStrategy[object] = st.one_of(
    st.sampled_from(
        [
            None, True, False, 0, 1, -1, 2**31, 10**30, 0.5, 1.0, float("nan"), float("inf"), "",
            "true", "realface", "REALFACE", "spoofface", "uncertain", "Succeeded", "succeeded",
            "Failed", "Running", "Canceled", "1", "0.9", [], {}, [{}], {"code": "X"}, "x" * 200,
        ]
    ),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
)  # fmt: skip


def paths(value: object, at: Path = ()) -> Iterator[Path]:
    """Name every place in a JSON value, itself included."""
    yield at
    if isinstance(value, dict):
        for name, part in value.items():
            yield from paths(part, (*at, name))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from paths(part, (*at, number))


@st.composite
def mutated(draw: st.DrawFn, value: object) -> object:
    """Change up to three places."""
    changed: Any = copy.deepcopy(value)
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(list(paths(changed))))
        if not path:
            changed = copy.deepcopy(draw(ODD_VALUES))
            continue
        parent = changed
        for step in path[:-1]:
            parent = parent[step]
        match draw(st.sampled_from(["replace", "replace", "remove", "double"])):
            case "remove":
                del parent[path[-1]]
            case "double" if isinstance(parent, list):
                parent.append(copy.deepcopy(parent[path[-1]]))  # type: ignore[index]
            case _:
                parent[path[-1]] = copy.deepcopy(draw(ODD_VALUES))
    return changed

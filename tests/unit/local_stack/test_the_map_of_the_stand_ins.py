from pathlib import Path

import local

FOLDER = Path(local.__file__).parent


def test_the_map_names_exactly_the_rooms_and_what_stands_beside_them() -> None:
    _, *blocks = (local.__doc__ or "").strip().split("\n\n")
    named = [line.split()[0] for block in blocks for line in block.splitlines()]
    rooms = {path.parent.name for path in FOLDER.glob("*/__init__.py")}
    beside = {path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("__")}

    assert sorted(named) == sorted(rooms | beside)

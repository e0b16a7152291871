"""What Face's ids look like: they become a part of a path, wherever they have been meanwhile."""

import re

_FACE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)


def is_face_id(text: str) -> bool:
    """Tell whether a text may stand in a path by itself, as all of Face's ids may."""
    return _FACE_ID.fullmatch(text) is not None

"""The rule for ids that callers choose: whoever writes an id writes it in one way only."""

import unicodedata


def normalize_id(text: str, *, max_units: int) -> str:
    """Return an id in Unicode's form C; ValueError says in a word what is wrong.

    The words are empty, character, blank, long; the length is in UTF-16 units, as Face may count.
    """
    normal = unicodedata.normalize("NFC", text)
    if not normal:
        raise ValueError("empty")
    if not all(map(_may_be_in_an_id, normal)):
        raise ValueError("character")
    if normal != normal.strip(" "):
        raise ValueError("blank")
    if len(normal.encode("utf-16-le")) > 2 * max_units:
        raise ValueError("long")
    return normal


def _may_be_in_an_id(character: str) -> bool:
    # What cannot be seen (Z) or is no text (C) tells two ids apart that look the same.
    # https://www.unicode.org/reports/tr44/#General_Category_Values
    return character == " " or unicodedata.category(character)[0] not in "ZC"

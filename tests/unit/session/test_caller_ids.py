import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.session.caller_ids import normalize_id

LOOK_ALIKE = ["bob", "bob ", " bob", "bo\u200bb", "bob\u00a0", "bob\t", "b\u00adob", "bob\ufeff"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "empty", id="nothing"),
        pytest.param(" ", "blank", id="a-blank-alone"),
        pytest.param("bob ", "blank", id="a-blank-at-the-end"),
        pytest.param(" bob", "blank", id="a-blank-at-the-start"),
        pytest.param("bob\n", "character", id="a-line-feed"),
        pytest.param("bo\tb", "character", id="a-tab"),
        pytest.param("bo\0b", "character", id="a-null"),
        pytest.param("bo\u00a0b", "character", id="a-no-break-space"),
        pytest.param("bo\u2000b", "character", id="an-en-quad-that-form-C-makes-another-blank"),
        pytest.param("bo\u2028b", "character", id="a-line-separator"),
        pytest.param("bo\u200bb", "character", id="a-zero-width-space"),
        pytest.param("\u202ebob", "character", id="a-direction-mark"),
        pytest.param("bo\ue000b", "character", id="a-private-use-character"),
        pytest.param("bo\u0378b", "character", id="an-unassigned-character"),
        pytest.param("bo\ud83db", "character", id="half-of-a-pair"),
        pytest.param("b" * 65, "long", id="one-unit-too-many"),
        pytest.param("b" * 63 + "🙂", "long", id="one-pair-too-many"),
        pytest.param("\u0958" * 33, "long", id="too-long-only-in-form-C"),
    ],
)
def test_an_id_that_breaks_the_rule_is_refused_by_a_word(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        normalize_id(text, max_units=64)


@pytest.mark.parametrize(
    "text",
    [
        "b",
        "bob smith",
        "BOB",
        "b" * 64,
        "b" * 62 + "🙂",
        "\uff42\uff4f\uff42",
        "a/b?c#d\\e'f",
        "日本",
        "e\u0301" * 64,
    ],
)
def test_whatever_can_be_read_is_an_id(text: str) -> None:
    assert normalize_id(text, max_units=64) == unicodedata.normalize("NFC", text)


def test_a_person_has_one_id_however_it_is_composed_and_another_name_is_another_person() -> None:
    composed, decomposed = "Jos\u00e9", "Jose\u0301"

    assert normalize_id(composed, max_units=64) == normalize_id(decomposed, max_units=64)
    assert normalize_id("bob", max_units=64) != normalize_id("BOB", max_units=64)


def test_of_all_ids_that_look_the_same_one_is_taken() -> None:
    assert [text for text in LOOK_ALIKE if taken(text, 64)] == ["bob"]


@pytest.mark.parametrize("max_units", [64, 128])
def test_the_bound_is_exact_and_the_callers_own(max_units: int) -> None:
    assert taken("é" * max_units, max_units)
    assert not taken("é" * (max_units + 1), max_units)


def taken(text: str, max_units: int) -> str | None:
    try:
        return normalize_id(text, max_units=max_units)
    except ValueError as error:
        assert str(error) in {"empty", "character", "blank", "long"}  # noqa: PT017
        return None


@given(text=st.text() | st.text("bo\u0301 \u00a0\u200b🙂", max_size=70))
def test_what_is_taken_follows_the_rule_and_is_taken_again_as_it_is(text: str) -> None:
    normal = taken(text, 64)

    if normal is not None:
        assert taken(normal, 64) == normal
        assert unicodedata.is_normalized("NFC", normal)
        assert normal.strip() == normal != ""
        assert len(normal.encode("utf-16-le")) <= 2 * 64
        assert {unicodedata.category(one)[0] for one in normal if one != " "}.isdisjoint("ZC")


@given(text=st.text(max_size=60))
def test_all_forms_of_one_text_are_one_id_or_none(text: str) -> None:
    forms = {taken(unicodedata.normalize(form, text), 64) for form in ("NFC", "NFD")}

    assert len(forms) == 1

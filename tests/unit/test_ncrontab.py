import pytest

from local.functions_host.ncrontab import parse_ncrontab
from local.functions_host.start_error import IndexingError
from shared.ncrontab import is_ncrontab
from tests.support.builders import NOW

RIGHT = [
    "0 * * * * *",
    "* * * * *",
    "*/5 * * * * *",
    "0 0/15 8-18 * * *",
    "0,30 5-10/2,59 0 1,31 1-12 0-6",
    "0 30 9 * jan,JUL Mon-Fri",
    "0 0 0 13 December sunday",
    "  0   0 0 1 1 *  ",
    "0 0 0 29 2 *",
    "0 0 0 31 2,Mar *",
    "0 0 0 30/1 */2 *",
    "0 0 0 15-31/16 apr-may *",
]
WRONG = [
    "",
    "* * * *",
    "0 0 0 * * * *",
    "60 * * * * *",
    "* 60 * * * *",
    "* * 24 * * *",
    "* * * 0 * *",
    "* * * 32 * *",
    "* * * * 0 *",
    "* * * * 13 *",
    "* * * * * 7",
    "5-1 * * * * *",
    "0 0 0 * Dec-Jan *",
    "1- * * * * *",
    "-1 * * * * *",
    "*-5 * * * * *",
    "1,,2 * * * * *",
    "*/0 * * * * *",
    "*/ * * * * *",
    "*/x * * * * *",
    "1.5 * * * * *",
    "0 0 0 * mo *",
    "0 0 0 * mon *",
    "0 0 0 * * monkey",
    "mon * * * * *",
    f"{'0' * 5000}1 * * * * *",
    "0 0 0 L * *",
    "0 0 0 ? * *",
    "0 0 0 * * 1#2",
    "@hourly",
    "00:05:00",
    "%SWEEP_SCHEDULE%",
    "0 * * * * %DAY%",
    "0 0 0 31 2 *",
    "0 0 30-31 feb *",
    "0 0 0 31 4,jun,9,11 *",
    "0 0 0 31/2 2/12 *",
    "\N{ARABIC-INDIC DIGIT ONE} * * * * *",
]


@pytest.mark.parametrize("text", RIGHT)
def test_a_schedule_is_right_and_the_local_host_runs_it(text: str) -> None:
    assert is_ncrontab(text)
    assert parse_ncrontab(text, NOW).next_after(NOW) > NOW


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_schedule_is_wrong(text: str) -> None:
    assert not is_ncrontab(text)


@pytest.mark.parametrize("text", [text for text in WRONG if "monkey" not in text])
def test_what_is_no_schedule_the_local_host_does_not_run(text: str) -> None:
    with pytest.raises(IndexingError):
        parse_ncrontab(text, NOW)

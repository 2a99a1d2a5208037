"""Moments as people type them: what each means, and what is refused."""

from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.common.moments import EXPECTED_MOMENT, moment

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC).timestamp()
"""A Friday, 13:00 in Berlin."""


def meant(typed: str, now: float = NOW) -> str:
    return datetime.fromtimestamp(moment(typed).resolve(now, BERLIN), UTC).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("typed", "utc"),
    [
        ("now", "2026-11-27 12:00"),
        ("2h", "2026-11-27 14:00"),
        ("+2h30m", "2026-11-27 14:30"),
        ("22:00", "2026-11-27 21:00"),
        ("9:30", "2026-11-28 08:30"),
        ("sat 22:00", "2026-11-28 21:00"),
        ("Saturday 22:00", "2026-11-28 21:00"),
        ("fri 09:00", "2026-12-04 08:00"),
        ("fri 13:01", "2026-11-27 12:01"),
        ("today 23:00", "2026-11-27 22:00"),
        ("tomorrow 08:00", "2026-11-28 07:00"),
        ("2026-11-28", "2026-11-27 23:00"),
        ("2026-11-28T22:00", "2026-11-28 21:00"),
        ("2026-11-28 22:00Z", "2026-11-28 22:00"),
        ("2026-11-28t22:00+08:00", "2026-11-28 14:00"),
        ("22:00 UTC", "2026-11-27 22:00"),
        ("22:00 Asia/Shanghai", "2026-11-27 14:00"),
        ("22:00 america/new_york", "2026-11-28 03:00"),
    ],
)
def test_moment_means_the_next_such_time(typed: str, utc: str) -> None:
    assert meant(typed) == utc


@pytest.mark.parametrize(
    ("typed", "utc"),
    [
        ("2026-03-29 02:30", "2026-03-29 01:30"),
        ("2026-10-25 02:30", "2026-10-25 00:30"),
        ("2026-10-25 03:30", "2026-10-25 02:30"),
    ],
)
def test_summer_time_begins_and_ends(typed: str, utc: str) -> None:
    """A skipped time counts from before the change, a repeated one is the first."""
    assert meant(typed) == utc


@pytest.mark.parametrize(
    "typed",
    ["", "x", "25:00", "22", "22:0", "2026-13-01", "sat", "22:00 Mars/X", "22:00 +99:99", "22:00 ../etc", "0000-01-01"],
)
def test_other_text_is_refused_with_the_form(typed: str) -> None:
    with pytest.raises(ValueError, match="22:00") as error:
        moment(typed)
    assert str(error.value) == EXPECTED_MOMENT


@given(st.text(max_size=40), st.floats(0, 4e9))
def test_any_text_is_a_moment_or_refused(typed: str, now: float) -> None:
    try:
        found = moment(typed)
    except ValueError:
        return
    with suppress(ValueError):
        assert found.resolve(now, BERLIN) > -7e10

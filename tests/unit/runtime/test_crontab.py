"""Crontabs: weekdays as in crontab(5), and the hours that summer time repeats or leaves out."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from bot.common.errors import ConfigError
from bot.runtime.scheduler import Crontab

BERLIN = "Europe/Berlin"


def times(expression: str, zone: str, after: str, count: int) -> list[str]:
    """The next firings as weekday and wall-clock time with offset."""
    crontab = Crontab(expression, zone)
    at, found = datetime.fromisoformat(after).timestamp(), []
    for _ in range(count):
        following = crontab.next(at)
        assert following is not None
        at = following
        found.append(datetime.fromtimestamp(at, ZoneInfo(zone)).strftime("%a %d %H:%M %z"))
    return found


WEEKDAYS = [
    ("0", "Sun"),
    ("7", "Sun"),
    ("1", "Mon"),
    ("6", "Sat"),
    ("sun", "Sun"),
    ("MON", "Mon"),
    ("mon-fri", "Mon Tue Wed Thu Fri"),
    ("1-5", "Mon Tue Wed Thu Fri"),
    ("5-7", "Fri Sat Sun"),
    ("sat-sun", "Sat Sun"),
    ("0-2", "Sun Mon Tue"),
    ("1,3,0", "Sun Mon Wed"),
    ("*/2", "Sun Tue Thu Sat"),
    ("1-5/2", "Mon Wed Fri"),
    ("4/2", "Thu Sat"),
    ("*", "Sun Mon Tue Wed Thu Fri Sat"),
]


@pytest.mark.parametrize(("field", "days"), WEEKDAYS)
def test_weekdays_are_those_of_crontab(field: str, days: str) -> None:
    week = times(f"0 9 * * {field}", "UTC", "2026-11-01T00:00+00:00", 7)
    assert {time[:3] for time in week} == set(days.split())


def test_day_and_weekday_both_given_mean_either() -> None:
    assert times("0 9 1 * mon", "UTC", "2026-10-27T00:00+00:00", 3) == [
        "Sun 01 09:00 +0000",
        "Mon 02 09:00 +0000",
        "Mon 09 09:00 +0000",
    ]


def test_repeated_dst_hour_fires_once() -> None:
    assert times("30 2 * * *", BERLIN, "2026-10-24T12:00+02:00", 2) == ["Sun 25 02:30 +0200", "Mon 26 02:30 +0100"]


def test_frequent_job_fires_in_the_first_dst_pass() -> None:
    assert times("*/30 * * * *", BERLIN, "2026-10-25T01:30+02:00", 4) == [
        "Sun 25 02:00 +0200",
        "Sun 25 02:30 +0200",
        "Sun 25 03:00 +0100",
        "Sun 25 03:30 +0100",
    ]


def test_start_in_the_second_dst_pass_waits() -> None:
    assert times("30 2 * * *", BERLIN, "2026-10-25T02:10+01:00", 1) == ["Mon 26 02:30 +0100"]


def test_skipped_dst_time_fires_that_day() -> None:
    assert times("30 2 * * *", BERLIN, "2026-03-28T12:00+01:00", 2) == ["Sun 29 03:30 +0200", "Mon 30 02:30 +0200"]


@pytest.mark.parametrize(
    ("expression", "until", "last"),
    [
        ("0 9 * * *", "2026-11-02T09:00+00:00", "2026-11-02T09:00+00:00"),
        ("0 9 * * *", "2026-11-02T08:59+00:00", "2026-11-01T09:00+00:00"),
        ("* * * * *", "2026-11-02T08:59:30+00:00", "2026-11-02T08:59+00:00"),
        ("0 9 * * 1", "2026-11-08T12:00+00:00", "2026-11-02T09:00+00:00"),
        ("0 0 29 2 *", "2026-11-08T12:00+00:00", "2024-02-29T00:00+00:00"),
    ],
)
def test_last_due_time(expression: str, until: str, last: str) -> None:
    found = Crontab(expression, "UTC").latest(datetime.fromisoformat(until).timestamp())
    assert found == datetime.fromisoformat(last).timestamp()


@pytest.mark.parametrize(
    ("expression", "zone", "words"),
    [
        ("0 9 * *", "UTC", "write five fields, minute hour day month weekday, not 4"),
        ("0 9 * * 8", "UTC", "the weekday '8' is none"),
        ("0 9 * * fri-mon", "UTC", "the weekday 'fri-mon' is none"),
        ("0 9 * * 1/0", "UTC", "the weekday '1/0' is none"),
        ("0 9 * * ", "UTC", "write five fields"),
        ("60 9 * * *", "UTC", "write 0-59"),
        ("x 9 * * *", "UTC", "cron = 'x 9 * * *'"),
        ("0 0 31 2 *", "UTC", "this time never comes"),
        ("0 9 * * *", "Europe/Berlinn", "Europe/Berlinn"),
    ],
)
def test_invalid_crontab_is_refused(expression: str, zone: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Crontab(expression, zone)
    assert words in str(caught.value)

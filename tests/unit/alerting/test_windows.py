"""Maintenance windows: when each begins and ends, over the changes of summer time, and what it mutes."""

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerting.details import ReadOnly
from bot.alerting.model import Alert, AlertState, Finding, Severity
from bot.alerting.silences import covers, lifted_by, mutes, of_every_rule, overlap, same
from bot.alerting.windows import Window, under_way, without_window

SAT = datetime(2026, 11, 28, 21, 0, tzinfo=UTC).timestamp()
"""Saturday 22:00 in Berlin."""
HOUR = 3600.0
WINDOW = Window("prod", "restarts", (5, 6), time(22), 4 * HOUR, "Europe/Berlin")


def utc(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%a %H:%M")


def test_window_is_under_way_from_its_start_to_its_end() -> None:
    assert WINDOW.current(SAT - 1) is None
    assert WINDOW.next(SAT - 1).begins == SAT
    found = WINDOW.current(SAT)
    assert found is not None
    assert (utc(found.begins), utc(found.until)) == ("Sat 21:00", "Sun 01:00")
    assert WINDOW.current(SAT + 4 * HOUR - 1) == found
    assert WINDOW.current(SAT + 4 * HOUR) is None
    assert utc(WINDOW.next(SAT).begins) == "Sun 21:00"


@pytest.mark.parametrize(
    ("day", "start", "begins", "until"),
    [
        ((2026, 3, 28), time(22), "Sat 21:00", "Sun 01:00"),
        ((2026, 3, 29), time(2, 30), "Sun 01:30", "Sun 05:30"),
        ((2026, 10, 25), time(2, 30), "Sun 00:30", "Sun 04:30"),
        ((2026, 10, 25), time(22), "Sun 21:00", "Mon 01:00"),
    ],
)
def test_length_is_the_time_that_passes(day: tuple[int, int, int], start: time, begins: str, until: str) -> None:
    """Also in the nights in which the clocks change."""
    before = datetime(*day, tzinfo=UTC).timestamp() - 2 * HOUR
    found = replace(WINDOW, start=start).next(before)
    assert (utc(found.begins), utc(found.until)) == (begins, until)


@given(
    st.floats(1.7e9, 2.0e9),
    st.sets(st.integers(0, 6), min_size=1),
    st.times(),
    st.floats(300, 86400),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_now_is_inside_the_current_window_and_before_the_next(
    now: float, days: set[int], start: time, length: float, zone: str
) -> None:
    window = Window("prod", "w", tuple(sorted(days)), start.replace(second=0, microsecond=0), length, zone)
    current, coming = window.current(now), window.next(now)
    assert now < coming.begins <= now + 8 * 86400
    assert coming.until - coming.begins == pytest.approx(length)
    if current is not None:
        assert current.begins <= now < current.until
        assert window.current(current.begins) == current


def alert(rule: str, severity: Severity = Severity.WARNING) -> Alert:
    return Alert("prod", rule, "", AlertState.FIRING, severity, ReadOnly(), SAT - 60)


def test_window_mutes_its_rules_and_severities_and_spares_critical_alerts() -> None:
    occurrence = WINDOW.next(SAT - 1)
    every = replace(WINDOW.silence(occurrence, SAT), id=1)
    assert covers(every, alert("peer_down"), SAT)
    assert not covers(every, alert("peer_down", Severity.CRITICAL), SAT)
    assert not covers(every, alert("no_leader"), SAT)
    assert not covers(every, alert("peer_down"), SAT - 1)
    assert not covers(every, replace(alert("peer_down"), cluster="archive"), SAT)
    named = replace(WINDOW, rules=("no_leader",), severities=(Severity.CRITICAL,)).silence(occurrence, SAT)
    assert covers(named, alert("no_leader", Severity.CRITICAL), SAT)
    assert not covers(named, alert("peer_down", Severity.CRITICAL), SAT)
    assert (of_every_rule(every), of_every_rule(named)) == (True, False)
    assert mutes(every, [alert("peer_down"), alert("no_leader"), alert("api_error")], SAT) == 2


def test_window_lifts_for_an_alert_that_gets_worse() -> None:
    held = replace(WINDOW.silence(WINDOW.next(SAT - 1), SAT), id=7)
    mild = alert("peer_down")
    worse = Finding("peer_down", "", Severity.CRITICAL, mild.detail)
    assert lifted_by([held], mild, worse, SAT) == (7,)
    same_again = Finding("peer_down", "", Severity.WARNING, mild.detail, weight=mild.weight, parts=mild.parts)
    assert lifted_by([held], mild, same_again, SAT) == ()


def test_window_is_no_silence_of_a_person() -> None:
    held = WINDOW.silence(WINDOW.next(SAT - 1), SAT)
    person = replace(held, window=None, rule="peer_down", subject="", by="U1", begins=0.0)
    assert not same(held, replace(held, window=None))
    assert overlap(held, person)
    assert not overlap(replace(held, cluster="archive"), person)


def test_window_that_left_the_settings_ends_now() -> None:
    held = replace(WINDOW.silence(WINDOW.next(SAT - 1), SAT), id=7)
    assert [each.until for each in without_window([held], [WINDOW], SAT + 60)] == [held.until]
    changed = replace(WINDOW, length=HOUR)
    assert [each.until for each in without_window([held], [changed], SAT + 60)] == [SAT + 60]


def test_several_windows_may_be_under_way() -> None:
    other = replace(WINDOW, name="backup", weekdays=(5,), start=time(21), length=2 * HOUR)
    assert [window.name for window, _ in under_way([WINDOW, other], SAT)] == ["restarts", "backup"]

"""Spans of time: what each means, in every command that takes one."""

import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerting.rules.thresholds import configure
from bot.chatops.commands.parser import parse
from bot.chatops.commands.registry import COMMANDS
from bot.common.durations import EXPECTED, seconds_in_settings, seconds_of
from bot.common.text import duration
from tests.support.in_memory_ports import FakeAlerts, FakeAudit, FakeDesk, FakeReports, typed
from tests.support.refusals import refused
from tests.support.view_samples import AT

HOUR, DAY = 3600.0, 86400.0


@pytest.mark.parametrize(
    ("span", "seconds"),
    [
        ("90s", 90.0),
        ("30m", 1800.0),
        ("2h30m", 2.5 * HOUR),
        ("2h 30m", 2.5 * HOUR),
        ("1.5h", 1.5 * HOUR),
        ("1w", 7 * DAY),
        ("1W2D", 9 * DAY),
        ("90min", 1.5 * HOUR),
        ("2hours", 2 * HOUR),
        ("1 day", DAY),
    ],
)
def test_typed_span_is_seconds(span: str, seconds: float) -> None:
    assert seconds_of(span) == seconds


@pytest.mark.parametrize("span", ["", "2", "h", "30m2h", "2h2h", "-1h", "1e3h", "\u0662h", "1h.", "99999d", "2 h m"])
def test_invalid_duration_is_refused(span: str) -> None:
    with pytest.raises(ValueError, match=re.escape(EXPECTED)):
        seconds_of(span)


@given(st.text(alphabet="0123456789.wdhms ", max_size=30))
def test_a_span_of_any_letters_is_a_number_or_refused(span: str) -> None:
    with suppress(ValueError):
        assert 0 <= seconds_of(span) < 10_000 * 8 * 7 * DAY


@pytest.mark.parametrize(("span", "seconds"), [("2h30m", 2.5 * HOUR), ("1w", 7 * DAY)])
async def test_every_command_takes_the_same_spans(span: str, seconds: float) -> None:
    alerts, proposals, reports, audit = FakeAlerts(), FakeDesk(), FakeReports(), FakeAudit()
    await typed(f"silence * prod for={span}", alerts=alerts)
    await typed(f"task disable balance prod for={span}", proposals=proposals)
    await typed(f"summary since={span}", reports=reports)
    await typed(f"handover since={span}", reports=reports)
    await typed(f"audit since={span}", audit=audit)
    assert ("silence", "prod", "*", seconds, "U0ANNA", "") in alerts.done
    assert proposals.proposed[0][2].options.lease == seconds
    assert reports.asked == [("summary", ("prod",), AT - seconds), ("handover", ("prod",), AT - seconds)]
    assert audit.asked[0][0].since == AT - seconds


async def test_a_window_of_a_week_is_seven_days() -> None:
    reports = FakeReports()
    await typed("trend 1w", reports=reports)
    assert reports.asked == [("course", "prod", 7 * DAY)]


@pytest.mark.parametrize("text", ["task disable balance for=0m", "task enable balance for=0h0m"])
async def test_lease_of_zero_seconds_is_refused(text: str) -> None:
    proposals = FakeDesk()
    with refused("between 1m and 30d"):
        await typed(text, proposals=proposals)
    assert proposals.proposed == []


def test_every_argument_for_a_span_is_long_enough() -> None:
    for text in ("silence * for=1weeks2days3hours4mins5s", "summary since=1weeks2days3hours4mins5s"):
        given: Any = parse(text, COMMANDS, clusters=("prod",), default_cluster=None).args
        assert seconds_of(getattr(given, "for_", "") or given.since) > 9 * DAY


@given(st.integers(0, 9_999 * 86400))
def test_printed_duration_can_be_typed(seconds: int) -> None:
    printed = duration(seconds)
    assert abs(seconds_of(printed) - seconds) < (60 if seconds < DAY else 3600)
    assert seconds_in_settings(printed) == seconds_of(printed)
    assert duration(seconds_of(printed)) == printed


@given(st.sampled_from(["w", "d", "h", "m", "s", "ms"]), st.integers(0, 9_999), st.sampled_from(["", " "]))
def test_commands_and_settings_read_one_span_alike(unit: str, number: int, gap: str) -> None:
    written = f"{number}{gap}{unit}"
    assert seconds_of(written) == seconds_in_settings(written)
    [rule] = (
        each for each in configure({"disk_broken": {"remind": f"{number % 50}{unit}"}}) if each.key == "disk_broken"
    )
    assert rule.remind == seconds_of(f"{number % 50}{unit}")


@given(st.text(alphabet="0123456789.wdhms ", max_size=30))
def test_commands_and_settings_refuse_alike(text: str) -> None:
    number = text.strip().replace(".", "", 1).isdigit()
    try:
        expected = seconds_of(text)
    except ValueError:
        if not number:
            with pytest.raises(ValueError, match=f"write {EXPECTED}"):
                seconds_in_settings(text)
    else:
        assert seconds_in_settings(text) == expected

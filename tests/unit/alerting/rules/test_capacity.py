"""The rules about space and heartbeats: what they say, and when they hold their tongue."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.alerting.cluster_state.observations import Forecast, forecast
from bot.alerting.cluster_state.state import ClusterState, update
from bot.alerting.model import Alert, AlertState, LegacyDetail, Severity
from bot.alerting.reports.trend import DAY, Measurement, Sample
from bot.alerting.rules.base import CANNOT_TELL, Answer, RuleContext
from bot.alerting.rules.table import rule_named
from bot.clustermgr.models import SpaceStat, VolumeStat, ZoneDisks
from tests.support.alert_words import lines, outcome, sentence
from tests.support.watch_builders import TIB, dark, polled

NOW = 10 * DAY
WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL


def context(
    *, past: float = 3600, full: Forecast | None = None, dead: bool = False, before: Any = None, **stats: Any
) -> RuleContext:
    """A look at NOW; the leader has led for `past` seconds by then."""
    old = update(ClusterState(), before or polled(NOW - past))
    now = dark(NOW) if dead else polled(NOW, **stats)
    return RuleContext(now, replace(update(old, now), forecast=full or Forecast()), NOW)


def ask(rule: str, view: RuleContext, **values: float) -> Answer:
    found = rule_named(rule)
    assert found is not None
    return replace(found, values=values).answer(view)


@dataclass(frozen=True)
class Case:
    """What a rule says of a cluster with these counters: sentences by subject, None when it cannot tell."""

    rule: str
    stats: dict[str, Any]
    says: dict[str, str] | None
    severity: Severity = WARNING
    values: dict[str, float] = field(default_factory=dict)


def zone(idc: str = "z0", **counters: int) -> ZoneDisks:
    return ZoneDisks(idc=idc, **{"total": 20, "available": 20, **counters})


def full_in(days: float, *, at: float = NOW) -> Forecast:
    """A forecast of that time that it is full in so many days from NOW."""
    return Forecast(at, NOW + days * DAY)


VOLUMES = VolumeStat(total_volume=1840, can_alloc_volume=396)
CASES = [
    Case("disk_expired", {}, {}),
    Case("disk_expired", {"past": 300, "zones": [zone(expired=5)]}, None),
    Case("disk_expired", {"dead": True}, None),
    Case("disk_expired", {"leader": 0, "zones": [zone(expired=20)]}, None),
    Case("disk_expired", {"silent": (1,), "zones": [zone(expired=20)]}, None),
    Case("disk_expired", {"zones": [zone(expired=1)]}, {"": "1 disk of prod has lost its heartbeat."}),
    Case(
        "disk_expired",
        {"zones": [zone("z1", expired=4), zone("z0", expired=2)]},
        {"": "6 disks of prod have lost their heartbeat."},
    ),
    Case(
        "disk_expired",
        {"zones": [zone("z0", expired=20), zone("z1")]},
        {"": "20 disks of prod have lost their heartbeat, among them every writable disk of z0."},
        CRITICAL,
    ),
    Case("writable_low", {}, {}),
    Case("writable_low", {"dead": True}, None),
    Case("writable_low", {"past": 300, "writable": 0}, None),
    Case("writable_low", {"silent": (1,), "writable": 0}, None),
    Case("writable_low", {"zones": [], "writable": 0}, {}),
    Case("writable_low", {"writable": TIB}, {}),
    Case("writable_low", {"writable": int(0.99 * TIB)}, {"": "9 % of the space of prod is writable."}),
    Case("writable_low", {"writable": TIB // 4}, {"": "2 % of the space of prod is writable."}, CRITICAL),
    Case("writable_low", {"writable": TIB // 1000}, {"": "Less than 1 % of the space of prod is writable."}, CRITICAL),
    Case(
        "writable_low",
        {"writable": 0, "full": full_in(4)},
        {"": "prod accepts no data: none of its space is writable."},
        CRITICAL,
    ),
    Case(
        "writable_low",
        {"writable": -5},
        {"": "prod accepts no data: none of its space is writable."},
        CRITICAL,
    ),
    Case("writable_low", {"writable": TIB // 4}, {}, values={"warn_share": 2, "critical_share": 1}),
    Case("writable_low", {"full": full_in(20)}, {}),
    Case(
        "writable_low",
        {"full": full_in(9.5)},
        {"": "50 % of the space of prod is writable; at the pace of the last days it is full in 9 days."},
    ),
    Case(
        "writable_low",
        {"full": full_in(0.5)},
        {"": "50 % of the space of prod is writable; at the pace of the last days it is full within a day."},
        CRITICAL,
    ),
    Case("writable_low", {"full": full_in(9.5, at=NOW - 3 * DAY)}, {}),
    Case("writable_low", {"full": full_in(9.5)}, {}, values={"warn_days": 0, "critical_days": 0}),
    Case("writable_low", {"full": Forecast(NOW)}, {}),
    Case("chunks_low", {}, {}),
    Case("chunks_low", {"dead": True}, None),
    Case("chunks_low", {"past": 300, "zones": [zone(total_chunk=1000)]}, None),
    Case("chunks_low", {"zones": [zone(total_chunk=1000, total_free_chunk=100)]}, {}),
    Case(
        "chunks_low",
        {
            "zones": [
                zone("z0", total_chunk=1000, total_free_chunk=500),
                zone("z1", total_chunk=1000, total_free_chunk=99),
            ]
        },
        {"z1": "9 % of the chunks of zone z1 of prod are free."},
    ),
    Case(
        "chunks_low",
        {"zones": [zone("", total_chunk=1000, total_free_chunk=1), zone("z1", total_chunk=1000)]},
        {
            "": "Less than 1 % of the chunks of zone without a name of prod are free.",
            "z1": "None of the chunks of zone z1 of prod are free.",
        },
        CRITICAL,
    ),
    Case("volumes_low", {}, {}),
    Case("volumes_low", {"dead": True}, None),
    Case("volumes_low", {"volumes": VOLUMES}, {}),
    Case(
        "volumes_low",
        {"volumes": VolumeStat(total_volume=1840, can_alloc_volume=2)},
        {"": "Only 2 volumes of prod can be allocated; it has 1,840 volumes in all."},
    ),
    Case(
        "volumes_low",
        {"volumes": VolumeStat(total_volume=1840)},
        {"": "No volume of prod can be allocated; it has 1,840 volumes in all."},
        CRITICAL,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.says}"[:70])
def test_rule_finding_for_each_snapshot(case: Case) -> None:
    answer = ask(case.rule, context(**case.stats), **case.values)
    if case.says is None:
        assert answer is CANNOT_TELL
        return
    assert answer is not CANNOT_TELL
    assert {finding.subject: sentence(finding) for finding in answer} == case.says
    assert all(finding.severity is case.severity for finding in answer)


def test_expired_disks_name_their_zones() -> None:
    answer = ask("disk_expired", context(zones=[zone("z1", expired=4), zone("<!here>\n", expired=1)]))
    assert answer is not CANNOT_TELL
    assert lines(answer[0]) == (
        "not judged: the volumes on bad disks cannot be read now",
        "5 disks cannot be named: volumes on them are judged by their health alone",
        "zone <!here>: 1 of 20 writable disks",
        "zone z1: 4 of 20 writable disks",
    )
    assert (answer[0].weight, answer[0].parts) == (5, ("<!here>", "z1"))


@pytest.mark.parametrize("rule", ["disk_expired", "writable_low"])
def test_counters_of_a_new_leader_are_ignored_at_first(rule: str) -> None:
    """As a follower it heard no heartbeats, so that it shows every disk as expired and nothing as writable."""
    before = polled(NOW - 3600, leader=2, term=4)
    assert ask(rule, context(before=before, zones=[zone(expired=20)], writable=0)) is CANNOT_TELL
    reelected = polled(NOW - 3600, leader=1, term=4)
    assert ask(rule, context(before=reelected, zones=[zone(expired=20)], writable=0)) is CANNOT_TELL


def test_counters_of_a_cut_off_leader_are_ignored() -> None:
    """It still claims the term before, while the new leader does not answer."""
    before = polled(NOW - 3600, leader=2, term=6)
    assert ask("writable_low", context(before=before, silent=(2,), writable=0)) is CANNOT_TELL


def test_severity_rises_as_space_shrinks() -> None:
    weights = []
    for writable in (TIB * 0.9, TIB * 0.4, TIB * 0.2, TIB * 0.1, 0):
        answer = ask("writable_low", context(writable=int(writable)))
        assert answer is not CANNOT_TELL
        weights.append(answer[0].weight)
    assert weights == [1, 2, 3, 4, 5]


def test_all_disks_read_only_is_nothing_writable() -> None:
    """The oldest release leaves such disks out of the whole."""
    now = polled(NOW)
    host = now.answers[0]
    assert host.stat is not None
    full = host.stat.model_copy(update={"space_stat": SpaceStat(total_disk=8)})
    view = context()
    seen = replace(view.snapshot, answers=(replace(host, stat=full), *now.answers[1:]))
    answer = ask("writable_low", replace(view, snapshot=seen))
    assert answer is not CANNOT_TELL
    assert sentence(answer[0]).startswith("prod accepts no data")


RESOLUTIONS = [
    ("disk_expired", "", "Every disk of prod reports again or is marked broken."),
    ("writable_low", "", "prod has enough writable space again: 50 % of its space."),
    ("chunks_low", "z1", "Zone z1 of prod has enough free chunks again."),
    ("volumes_low", "", "Enough volumes of prod can be allocated again."),
]


@pytest.mark.parametrize(("rule", "subject", "words"), RESOLUTIONS)
def test_resolution_names_the_outcome(rule: str, subject: str, words: str) -> None:
    found = rule_named(rule)
    assert found is not None
    alert = Alert("prod", rule, subject, AlertState.FIRING, WARNING, LegacyDetail("It is so."), 0)
    assert outcome(found.resolved(context(), alert), alert) == words


def measured(days: float, a_day: float) -> list[Sample]:
    """Measurements every hour: 10 TiB, half of it used at first."""
    hours = range(int(days * 24))
    return [
        (hour * 3600.0, Measurement(total=10.0 * TIB, used=5 * TIB + used, writable=5 * TIB - used))
        for hour, used in ((hour, a_day * hour / 24) for hour in hours)
    ]


def test_forecast_expires_after_a_day() -> None:
    found = forecast(measured(7, 0.5 * TIB), 7 * DAY)
    assert found.days_left(7 * DAY) == pytest.approx(3, abs=0.1)
    assert found.days_left(7.5 * DAY) == pytest.approx(2.5, abs=0.1)
    assert found.days_left(9 * DAY) is None
    assert (found.due(7 * DAY + 60), found.due(7 * DAY + 3600)) == (False, True)


@pytest.mark.parametrize(("days", "a_day"), [(0, 0), (1, 0.5 * TIB), (7, 0), (7, -0.5 * TIB)])
def test_unknown_or_shrinking_use_has_no_forecast(days: float, a_day: float) -> None:
    found = forecast(measured(days, a_day), 7 * DAY)
    assert (found.at, found.days_left(7 * DAY)) == (7 * DAY, None)

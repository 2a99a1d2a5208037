"""Samples of summaries, hand-overs and trends."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bot.alerting.cluster_state.observations import MemberChange
from bot.alerting.cluster_state.state import ClusterState, LeaderChange
from bot.alerting.details import DiskName, DisksBroken
from bot.alerting.model import Alert, AlertState, Severity, Silence
from bot.alerting.outcomes import DisksDone
from bot.alerting.reports.facts import ClusterFacts, OperationFact, Pending
from bot.alerting.reports.handover import hand_over
from bot.alerting.reports.summary import summarise
from bot.alerting.reports.timeseries import timeseries
from bot.alerting.reports.trend import Measurement, points
from bot.alerting.reports.trend import trend as measured_trend
from bot.views.handover import handover
from bot.views.parts import Report
from bot.views.summary import summary
from bot.views.trend import trend
from tests.docgen.phrasebook.render import Sample, Section
from tests.support.view_samples import AT

TIB = 1 << 40
HOUR, DAY = 3600.0, 86400.0
QUIET = ClusterState(
    at=AT - 10, leader=1, term=7, level="healthy", verdict="archive is healthy: peer 1 leads in term 7."
)
BUSY = ClusterState(
    at=AT - 10,
    leader=2,
    term=8,
    level="degraded",
    verdict="prod is one failure from losing writes: voter 3 is unhealthy (down: the leader does not hear from it).",
    changes=(LeaderChange(AT - HOUR, 1, 2, 8),),
    member_changes=(MemberChange(AT - 2 * HOUR, 4, "", "voter", op=12),),
)


def _alert(number: int, **changes: Any) -> Alert:
    alert = Alert(
        "prod",
        "disk_broken",
        "",
        AlertState.FIRING,
        Severity.WARNING,
        DisksBroken(1, 0, (DiskName(number, 2, "10.0.0.7:8899", f"/data{number}", "z0"),)),
        AT - 2 * HOUR,
        fired_at=AT - 2 * HOUR,
        id=number,
    )
    return replace(alert, **changes)


def _samples(days: float, every: float = HOUR) -> list[tuple[float, Measurement]]:
    count = int(days * DAY / every)
    times = [AT - number * every for number in range(count, -1, -1)]
    return [
        (at, Measurement(used=int(50 * TIB - (AT - at) / DAY * TIB), total=100 * TIB, writable=25 * TIB))
        for at in times
    ]


def _facts() -> tuple[ClusterFacts, ClusterFacts]:
    samples = _samples(30)
    held = _alert(2, state=AlertState.ACKNOWLEDGED, acked_by="U0ANNA", acked_at=AT - HOUR)
    done = _alert(3, state=AlertState.RESOLVED, resolved_at=AT - HOUR, outcome=DisksDone((3,), repaired=True))
    busy = ClusterFacts(
        "prod",
        BUSY,
        open=(_alert(1), held),
        recent=(_alert(1), held, done),
        samples=samples[-24:],
        operations=(OperationFact(AT - HOUR, "turn balance off: verified", "U0ANNA", "rush hour", ("U0BEN",)),),
        pending=(
            Pending(4, "turn balance off", "leased", "U0ANNA", AT - 60, AT + HOUR, "balance"),
            Pending(5, "remove peer 3", "waiting", "U0BEN", AT - 60, AT + 600),
            Pending(6, "add peer 4", "unknown", "U0BEN", AT - 60),
            Pending(7, "add peer 5", "running", "", AT - 60),
        ),
        silences=(Silence("prod", "peer_down", "3", AT + HOUR, "U0ANNA", "reboot", id=7),),
        trend=measured_trend(samples),
        history=points(samples),
    )
    return ClusterFacts("archive", QUIET), busy


def _named(facts: ClusterFacts, name: str) -> ClusterFacts:
    verdict = facts.state.verdict.replace(facts.name, name, 1)
    return replace(facts, name=name, state=replace(facts.state, verdict=verdict))


def sections() -> Iterator[Section]:
    """Yield the sections."""
    quiet, busy = _facts()
    many = tuple(_named(busy, f"prod-{number}") for number in range(40))
    yield Section(
        "Summary",
        (
            *_report("nothing happened", summary(summarise((quiet,), AT - DAY, AT))),
            *_report("much happened", summary(summarise((quiet, busy), AT - DAY, AT))),
            *_report("cmbot is new", summary(summarise((replace(quiet, watched_since=AT - 8 * HOUR),), AT - DAY, AT))),
            *_report(
                "a cluster was added",
                summary(summarise((quiet, replace(busy, watched_since=AT - 8 * HOUR)), AT - DAY, AT)),
            ),
            *_report("40 clusters", summary(summarise(many, AT - DAY, AT))),
        ),
    )
    yield Section(
        "Hand-over",
        (
            *_report("nothing happened", handover(hand_over((quiet,), AT - 12 * HOUR, AT))),
            *_report("much happened", handover(hand_over((quiet, busy), AT - 12 * HOUR, AT))),
        ),
    )
    yield Section("Trend (`/cm trend`)", tuple(_trends()))


def _report(state: str, report: Report) -> Iterator[Sample]:
    yield Sample(state, report.message)
    for number, part in enumerate(report.thread[:1], 1):
        yield Sample(f"{state}: reply {number} in its thread", part)


def _trends() -> Iterator[Sample]:
    for state, days, every in (("a month", 30.0, HOUR), ("a day", 1.0, HOUR), ("an hour", 0.05, 600.0)):
        made = timeseries("prod", _samples(days, every), window=30 * DAY, now=AT, watched_since=AT - days * DAY)
        yield Sample(state, trend(made))
    yield Sample("no sample", trend(timeseries("prod", (), window=7 * DAY, now=AT, watched_since=None)))

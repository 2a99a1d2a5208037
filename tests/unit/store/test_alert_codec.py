"""The stored form of alerts: what is written is read back, and rows of 0.1.0 open."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.alerting import details as d
from bot.alerting import outcomes as o
from bot.alerting.model import (
    Alert,
    AlertState,
    Detail,
    EnableTask,
    EngineNotes,
    Finding,
    LegacyDetail,
    LegacyOutcome,
    LegacyText,
    Muted,
    Outcome,
    RecentPeak,
    Severity,
    TransferLeader,
)
from bot.alerting.transition import Transition, TransitionReason, Visibility
from bot.store.repositories.alert_codec import DETAIL_KINDS, OUTCOME_KINDS, alert_of, columns_of
from bot.views.alert_text.table import DETAILS, OUTCOMES, alert_text
from bot.views.alerts import line
from tests.support.alert_samples import DETAIL_SAMPLES, DISK, OUTCOME_SAMPLES
from tests.support.engine_builders import Life, rule, seen

NOTES = EngineNotes(
    lifted=(1,),
    muted=Muted(2, "U1"),
    silenced=(1, 2),
    calling_since=5.0,
    escalated_at=6.0,
    group="digest:C1:1",
    replied_at=7.0,
    unreported=(),
    peak=RecentPeak(Severity.CRITICAL, 3, ("a",), 900.0),
    unknown_since=8.0,
    unknown_for=9.0,
    acked_until=10.0,
    holder_reminded_at=11.0,
)


def alert(detail: Detail, **changes: Any) -> Alert:
    made = Alert("prod", "disk_broken", "", AlertState.FIRING, Severity.WARNING, detail, 1.0, id=7)
    return replace(made, **changes)


def row_of(found: Alert) -> dict[str, Any]:
    """The row as a database gives it back."""
    row: dict[str, Any] = json.loads(json.dumps(columns_of(found, alert_text(found))))
    return {**row, "id": found.id}


def test_every_kind_has_words_a_stored_name_and_an_example() -> None:
    details = {kind for kind in vars(d).values() if isinstance(kind, type) and issubclass(kind, Detail)}
    outcomes = {kind for kind in vars(o).values() if isinstance(kind, type) and issubclass(kind, Outcome)}
    details, outcomes = details - {Detail} | {LegacyDetail}, outcomes - {Outcome} | {LegacyOutcome}
    assert details == set(DETAILS) == set(DETAIL_KINDS.values()) == {type(each) for each in DETAIL_SAMPLES}
    assert outcomes == set(OUTCOMES) == set(OUTCOME_KINDS.values()) == {type(each) for each in OUTCOME_SAMPLES}


@pytest.mark.parametrize("detail", DETAIL_SAMPLES, ids=lambda detail: type(detail).__name__)
def test_a_stored_detail_is_read_back(detail: Detail) -> None:
    found = alert(detail)
    assert alert_of(row_of(found)) == found
    assert alert_text(found).sentence.endswith(".")


@pytest.mark.parametrize("outcome", OUTCOME_SAMPLES, ids=lambda outcome: type(outcome).__name__)
def test_a_stored_outcome_is_read_back(outcome: Outcome) -> None:
    found = alert(d.ReadOnly(), outcome=outcome, state=AlertState.RESOLVED)
    assert alert_of(row_of(found)) == found
    assert row_of(found)["resolution"].endswith(".")


@pytest.mark.parametrize("fix", [EnableTask("balance"), TransferLeader(3)])
def test_notes_parts_covers_and_fix_keep_their_stored_keys(fix: EnableTask | TransferLeader) -> None:
    found = alert(d.ReadOnly(), notes=NOTES, parts=("7",), covers=(("peer_down", "3"),), fix=fix)
    row = row_of(found)
    assert alert_of(row) == found
    assert {"digest", "said_at", "unsaid", "eased", "parts", "covers", "fix", "detail"} <= row["data"].keys()


OLD = {
    "parts": ["7"],
    "covers": [["task_off_too_long", "disk_repair"]],
    "fix": "task enable disk_repair prod",
    "more": 3,
    "op": 12,
    "approved": ["U1"],
    "muted": {"id": 2, "by": "U1"},
    "unsaid": True,
}


SICK_TEXT = {"peer": 3, "why": "it is over 1,000 entries behind", "silent": ["h:3"]}
SWITCH_TEXT = {"key": "balance", "value": "false", "effect": "services do not run it"}


def old_row(**changes: Any) -> dict[str, Any]:
    stored = alert(LegacyDetail("1 disk of prod is broken.", ("disk 7",)), outcome=LegacyOutcome("Repaired."))
    return {**row_of(stored), "data": OLD, **changes}


def test_row_of_old_release_keeps_its_text() -> None:
    found = alert_of(old_row())
    assert found.detail == LegacyDetail("1 disk of prod is broken.", ("disk 7",), 3, "", 12, ("U1",))
    assert (found.outcome, found.fix) == (LegacyOutcome("Repaired."), EnableTask("disk_repair"))
    assert found.notes == EngineNotes(muted=Muted(2, "U1"))


@pytest.mark.parametrize("detail", [{"kind": "of_a_later_release"}, {"kind": "stale_host", "host": []}, "text", None])
def test_an_unknown_detail_falls_back_to_the_stored_text(detail: object) -> None:
    found = alert_of(old_row(data={"detail": detail}))
    assert found.detail == LegacyDetail("1 disk of prod is broken.", ("disk 7",))


@pytest.mark.parametrize(
    ("stored", "detail", "text"),
    [
        (
            {"kind": "quorum_at_risk", "voters": 3, "needed": 2, "healthy": 2, "sick": [SICK_TEXT]},
            d.QuorumAtRisk(3, 2, 2, (d.SickVoter(3, LegacyText("it is over 1,000 entries behind"), ("h:3",)),)),
            "voter 3 is unhealthy (it is over 1,000 entries behind).",
        ),
        (
            {"kind": "polls_fail", "why": "The database is locked."},
            d.PollsFail(LegacyText("The database is locked.")),
            "The database is locked.",
        ),
        ({"kind": "polls_fail", "why": ""}, d.PollsFail(), "every poll fails"),
        (
            {"kind": "task_off", "task": "balance", "switch": SWITCH_TEXT, "limit": 86400.0, "unset": False},
            d.TaskOff("balance", d.StoredSwitch("balance", "false", LegacyText("services do not run it")), 86400.0),
            "`balance`: `false` is stored; services do not run it",
        ),
    ],
)
def test_a_fact_stored_as_text_reads_as_before(stored: dict[str, Any], detail: Detail, text: str) -> None:
    found = alert_of(old_row(data={"detail": stored}))
    assert found.detail == detail
    words = alert_text(found)
    assert text in " ".join((words.sentence, *words.lines))
    assert alert_of(row_of(found)) == found


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (d.PollFailure(d.PollFailureKind.ERROR, "The database is locked."), "The database is locked."),
        (d.PollFailure(d.PollFailureKind.UNEXPECTED, "KeyError"), "An unexpected KeyError: the log has the rest."),
        (LegacyText("The database is locked."), "The database is locked."),
        (None, ""),
    ],
)
def test_failure_of_polls_is_stored_as_text_too(failure: d.PollFailure | LegacyText | None, why: str) -> None:
    stored = row_of(replace(alert(d.PollsFail(failure)), rule="watch_blind"))
    assert stored["data"]["detail"]["why"] == why
    assert alert_of(stored).detail == d.PollsFail(failure)


def test_open_alert_of_old_release_gains_facts_silently() -> None:
    old = replace(alert_of(old_row()), outcome=None, fired_at=1.0, version=1, notes=EngineNotes())
    life = Life([rule()], alerts={7: old})
    detail = d.DisksBroken(1, 0, (DISK,))
    same = Finding("disk_broken", "", Severity.WARNING, detail, parts=("7",))
    assert [(transition.reason, transition.visibility) for transition in life.step(15, same)] == [
        (TransitionReason.CHANGED, Visibility.EDIT)
    ]
    assert life.alerts[7].detail == detail
    assert life.step(30, same) == []
    assert len(seen(life.step(45, replace(same, weight=2, parts=("7", "8"))))) == 1


def test_hosts_disagree_parts_have_their_own_stored_key() -> None:
    assert alert_of(old_row(rule="hosts_disagree")).parts is None
    named = alert(d.ReadOnly(), rule="hosts_disagree", parts=("claims:h1,h2",))
    row = row_of(named)
    assert "parts" not in row["data"]
    assert alert_of(row) == named


def test_worse_alert_of_old_release_lists_nothing_new() -> None:
    old = replace(alert_of(old_row()), outcome=None)
    new = replace(old, detail=d.DisksBroken(2, 0, (DISK, replace(DISK, id=8))), weight=2)
    known = replace(new, detail=d.DisksBroken(1, 0, (DISK,)))
    assert "•" not in str(line(Transition(old, new, TransitionReason.WORSE, Visibility.REPLY)).blocks)
    assert "•" in str(line(Transition(known, new, TransitionReason.WORSE, Visibility.REPLY)).blocks)


@pytest.mark.parametrize(
    ("stored", "detail"),
    [
        (
            {"kind": "disks_broken", "broken": 1, "repairing": 0, "affected": {"volumes": 3, "left": 1}},
            d.DisksBroken(1, 0, affected=d.AffectedVolumes(3, 1)),
        ),
        (
            {"kind": "volumes_at_risk", "one_left": 1, "none_left": 0, "volumes": [], "unwritten": 1},
            d.VolumesAtRisk(1, 0, ()),
        ),
        (
            {"kind": "disks_not_empty", "total": 1, "disks": [{"disk": 7, "units": 2}]},
            d.DisksNotEmpty(1, (d.UnitsLeft(7, 2),)),
        ),
        ({"kind": "disks_stuck", "work": "drop", "disks": [], "total": 2}, d.DisksStuck(d.DiskWork.DROP, (), 2)),
        ({"kind": "disks_expired", "lost": 2, "zones": []}, d.DisksExpired(2, ())),
    ],
)
def test_detail_without_the_newer_facts_is_read(stored: dict[str, Any], detail: Detail) -> None:
    row = row_of(alert(detail))
    assert alert_of({**row, "data": {**row["data"], "detail": stored}}).detail == detail

"""Words for the facts of summaries and hand-overs."""

from typing import get_args

import pytest

from bot.alerting.cluster_state.observations import MemberChange, SwitchChange
from bot.alerting.cluster_state.state import LeaderChange
from bot.alerting.model import Silence
from bot.alerting.reports import facts as f
from bot.alerting.reports import handover as h
from bot.alerting.risk_facts import RiskCaveats, RiskFact, RiskNote
from bot.views.report_text import change_text, watch_text

SILENCE = Silence("prod", "*", "", 0.0, "U0ANNA", id=7)
CHANGES: list[tuple[f.ChangeFact, str]] = [
    (LeaderChange(0.0, 1, 2, 8, op=4), "leadership moved from peer 1 to peer 2 in term 8 (operation #4)"),
    (f.LeaderMovedOften(3, 2, 8), "the leader changed 3 times, now peer 2 leads in term 8"),
    (f.Elections(1, 2, 8), "1 election, and peer 2 still leads (term 8)"),
    (f.DisksBroke((5,)), "disk 5 broke"),
    (f.DisksGone((3, 5)), "disks 3 and 5 are repaired or gone"),
    (f.NumberMoved(f.Counted.MEMBERS, 3, 5), "members: 3 then, 5 now"),
    (MemberChange(0.0, 4, "voter", "voter", "a:1", "b:1"), "peer 4 moved from a:1 to b:1"),
    (
        f.SwitchEvent(SwitchChange(0.0, "balance", None, "true", 0.0), "v3"),
        "the switch balance went from unset to on",
    ),
    (
        f.SwitchEvent(SwitchChange(0.0, "balance", None, "true", 0.0), ""),
        "the switch balance went from unset to 'true'",
    ),
    (
        f.ManyMoves(1200, MemberChange(0.0, 4, "", "learner")),
        "1,200 changes of members, the last: peer 4 joined as a learner",
    ),
    (f.AlertsCounted(0, 1), "1 alert resolved"),
    (f.AlertsCounted(2, 0), "2 alerts fired"),
]
WATCHED: list[tuple[h.WatchFact, str]] = [
    (h.NeverPolled("prod"), "cmbot has never polled prod: check its configuration."),
    (h.PollsStale("prod", 3600.0), "cmbot has not polled prod for 1 h: its data here is that old."),
    (
        h.OperationUndecided("prod", 6),
        "It is unknown whether operation #6 of prod was applied: check the cluster, then type `/cm op settle 6`.",
    ),
    (h.ApprovalExpires("prod", 5, 90.0), "Operation #5 of prod expires in 1 min 30 s unless it is approved."),
    (h.SwitchReverts("prod", "", 3600.0), "A switch of prod reverts automatically in 1 h."),
    (h.SilenceEnds(SILENCE, 3600.0), "Silence #7 of everything in prod ends in 1 h."),
    (
        h.RepairsStuck("prod", 2, 4, 25200.0),
        "The repair of 2 disks of prod has made no progress for 7 h (disk 4).",
    ),
    (h.RepairOff("prod", 2), "disk_repair is off in prod while 2 disks wait for repair."),
    (
        h.VolumesReduced("prod", RiskFact(RiskNote(none_left=1, reduced=12), 1.0)),
        "Volumes of prod: 1 volume can lose no more units and 12 can still lose 2 or more units: `/cm risk prod`",
    ),
    (
        h.VolumesReduced("prod", RiskFact(RiskNote(unreachable=2, caveats=RiskCaveats(pending_disks=3)), 1.0)),
        "Volumes of prod: 2 volumes have unreachable units only; not judged yet: 3 disks: `/cm risk prod`",
    ),
    (
        h.VolumesReduced("prod", RiskFact(RiskNote(caveats=RiskCaveats(judged=False)), 0.0)),
        "Volumes of prod: not judged: the volumes on bad disks cannot be read now: `/cm risk prod`",
    ),
    (h.LeaderUnsteady("prod", 3), "The leader of prod changed 3 times in this shift: find the cause."),
    (h.FullSoon("prod", 1), "prod is full in about 1 day at the current pace: `/cm trend prod`"),
]


@pytest.mark.parametrize(("change", "text"), CHANGES)
def test_change_is_a_phrase(change: f.ChangeFact, text: str) -> None:
    assert change_text(change) == text


@pytest.mark.parametrize(("fact", "text"), WATCHED)
def test_watched_fact_is_a_sentence(fact: h.WatchFact, text: str) -> None:
    assert watch_text(fact) == text


def test_every_kind_of_fact_has_its_words() -> None:
    assert {type(change) for change, _ in CHANGES} == set(get_args(f.ChangeFact))
    assert {type(fact) for fact, _ in WATCHED} == set(get_args(h.WatchFact))

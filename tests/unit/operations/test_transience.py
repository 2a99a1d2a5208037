"""Each reason that keeps a disk from its turn is transient or final; none is without a class."""

import pytest

from bot.common.errors import AuthRejected, ClusterError, ClusterTimeout, NoLeader
from bot.operations import disk_step_facts as d
from bot.operations import step_facts as s
from bot.operations.check_codec import FACT_KINDS
from bot.operations.disk_series import MAX_ATTEMPTS, again, parts_of
from bot.operations.model import Operation, OpState, advance, note
from bot.operations.preflight.facts import cluster, disks, leadership, members, quorum, tasks
from bot.operations.preflight.facts.disks import DisksMissing, TaskIsOff
from bot.operations.preflight.verdict import Fact, block
from bot.operations.requests import DiskOffline, DisksOffline
from bot.operations.step_codec import STEP_KINDS
from bot.operations.transience import CHECKS, ERRORS, STEPS, error_is_transient, is_transient

NOT_OF_DISKS = frozenset({members.__name__, tasks.__name__})
"""Modules whose facts no change of disks has."""
NEVER_REFUSE: frozenset[type[Fact]] = frozenset(
    {
        cluster.LeaderIs,
        cluster.HostsAreMembers,
        quorum.QuorumAfter,
        quorum.CommitUnproven,
        quorum.CommitAfterElection,
        quorum.CommitFails,
        quorum.FewVoters,
        quorum.EvenVoters,
        quorum.OddVoters,
        quorum.VotersInReach,
        leadership.TargetLeads,
        leadership.TargetIsLearner,
        leadership.TargetIsStranger,
        leadership.TargetUnproven,
        leadership.LeadershipMoves,
        leadership.NoTransferPending,
        leadership.EntriesUnapplied,
        leadership.NoneCatchesUp,
        leadership.MembersCatchUp,
        leadership.NoOpenOperation,
        disks.StateFits,
        disks.DisksAlready,
        disks.TaskIsOn,
        disks.SchedulersThere,
        disks.WithinLimits,
    }
)
"""Facts of checks that pass, or of changes of members and of the leader."""
BY_THEIR_REASON: frozenset[type[s.StepFact]] = frozenset({s.ChecksRefuse, s.Failure, d.DropNotBegun})
NEVER_END_A_PART: frozenset[type[s.StepFact]] = frozenset(
    {
        s.SwitchIs,
        s.NoLeaderSeen,
        s.PeerLeads,
        s.PeerStays,
        s.PeerGone,
        s.PeerAbsent,
        s.PeerJoined,
        s.DiskNow,
        s.NodeNow,
        s.NodeNotShown,
        d.OfflineStepBegun,
        d.ReadonlyBefore,
        d.OfflineResumed,
        d.DropEnded,
        d.PartBegun,
        d.PartSkipped,
        d.PartWaits,
        d.PartAgain,
        d.NodePartBegun,
        d.PartFailed,
        d.SeriesBegun,
        d.SeriesEnded,
        d.NodeAccepted,
        s.TakesOverCard,
        s.TakesOverBlocked,
        s.RequesterLost,
        s.ApprovalsDropped,
        s.ApprovalProgress,
        s.NoDecision,
        s.SeenLater,
        s.ComparisonOver,
        s.Compared,
        s.CardRefused,
        s.KeptForGood,
        s.ChangedSince,
        s.LeaseEnded,
        s.RestoresOldValue,
        s.RestoreRefused,
        s.RestoreUnread,
        s.RestoreSkipped,
    }
)
"""Facts of steps between, of waiting cards, of switches with a lease, and of good ends."""


def test_each_fact_that_refuses_a_disk_has_a_class() -> None:
    of_disks = {kind for kind in FACT_KINDS.values() if kind.__module__ not in NOT_OF_DISKS}
    assert of_disks - NEVER_REFUSE == set(CHECKS)


def test_each_fact_that_ends_a_part_has_a_class() -> None:
    known = {*STEP_KINDS.values(), s.LegacyWords}
    assert known - NEVER_END_A_PART - BY_THEIR_REASON == set(STEPS)


def subclasses(kind: type[ClusterError]) -> set[type[ClusterError]]:
    """All classes below one."""
    return {each for below in kind.__subclasses__() for each in (below, *subclasses(below))}


def test_each_error_of_a_cluster_has_a_class() -> None:
    assert subclasses(ClusterError) == set(ERRORS)
    assert error_is_transient(NoLeader("no leader"))
    assert not error_is_transient(AuthRejected("wrong token"))


OFF, MISSING = block("task", TaskIsOff("disk_drop", "off")), block("disk", DisksMissing((7,)))


@pytest.mark.parametrize(
    ("why", "transient"),
    [
        (s.ChecksRefuse((OFF,)), True),
        (s.ChecksRefuse((OFF, MISSING)), False),
        (s.Failure("no answer", "", error_is_transient(ClusterTimeout("no answer"))), True),
        (s.Failure("refused by today's rules"), False),
        (d.DropNotBegun(7, before=False, why=s.ChecksRefuse((OFF,))), True),
        (d.DropNotBegun(7, before=False, why=d.WritableAgain(7)), False),
        (s.DatabaseLost(), True),
        (d.SeriesOver(12), False),
        (None, False),
    ],
)
def test_part_begins_again_only_after_what_may_pass(why: s.StepFact | None, transient: bool) -> None:
    assert is_transient(why) is transient


def test_disk_is_next_again_a_limited_number_of_times() -> None:
    op = Operation("prod", DisksOffline((7, 9)), "U0ANNA", 0.0, 900.0, id=12)
    op = advance(advance(op, OpState.WAITING, at=1.0), OpState.RUNNING, at=2.0)
    for number in range(1, MAX_ATTEMPTS + 1):
        op = note(op, at=3.0, fact=d.PartBegun(7, 20 + number))
        assert parts_of(op).begun == {7: 20 + number}
        child = Operation("prod", DiskOffline(7), "U0ANNA", 0.0, 900.0, id=20 + number)
        child = advance(child, OpState.BLOCKED, at=3.0, fact=s.ChecksRefuse((OFF,)))
        found = again(op, child)
        if number == MAX_ATTEMPTS:
            assert found is None
            return
        assert found == d.PartAgain(7, 20 + number, s.ChecksRefuse((OFF,)), number, MAX_ATTEMPTS)
        op = note(op, at=4.0, fact=found)
        assert (parts_of(op).begun, parts_of(op).left) == ({}, (7, 9))

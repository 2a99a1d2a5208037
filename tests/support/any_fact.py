"""Any fact of a check, with any data; and the facts with which a check refuses."""

from hypothesis import strategies as st

from bot.operations.preflight.facts import cluster, disks, leadership, members, quorum, tasks
from bot.operations.preflight.verdict import Check, CheckLevel, Fact

_BLOCKING_ADVICE = (
    quorum.QuorumAdvice.POLL_AGAIN,
    quorum.QuorumAdvice.BRING_BACK,
    quorum.QuorumAdvice.BRING_BACK_OR_CONFIGURE,
    quorum.QuorumAdvice.BY_HAND,
)
_SPECIAL: dict[type[Fact], st.SearchStrategy[Fact]] = {
    leadership.MembersCatchUp: st.builds(
        leadership.MembersCatchUp,
        st.lists(st.from_type(leadership.BehindMember), min_size=1, max_size=3).map(tuple),
    )
}
"""Facts that never have some of the values of their fields' types."""


def facts_of(kind: type[Fact]) -> st.SearchStrategy[Fact]:
    """Any fact of a kind."""
    return _SPECIAL.get(kind, st.from_type(kind))


def checks_of(kind: type[Fact]) -> st.SearchStrategy[Check]:
    """Any check with a fact of a kind."""
    text = st.text(max_size=20)
    return st.builds(Check, text, st.sampled_from(CheckLevel), facts_of(kind), st.booleans(), text)


BLOCKING: frozenset[type[Fact]] = frozenset(
    {
        cluster.NoHostAnswered,
        cluster.NodeIdMissing,
        cluster.NodeIdShared,
        cluster.TwoLeaders,
        cluster.NoLeaderNamed,
        cluster.LeaderDenied,
        cluster.LeaderUnplaced,
        cluster.LeaderNotConfigured,
        cluster.LeaderOutdated,
        cluster.LeaderNotListed,
        leadership.TargetLeads,
        leadership.TargetIsLearner,
        leadership.TargetIsStranger,
        leadership.TargetUnproven,
        leadership.TransferPending,
        leadership.MembersCatchUp,
        leadership.OperationOpen,
        members.LearnerInPlace,
        members.IdTaken,
        members.IdAnswersElsewhere,
        members.RaftAddressTaken,
        members.RaftAddressServes,
        members.ServiceAddressIsRaft,
        members.ServiceAddressTaken,
        members.ServiceAddressMissing,
        members.NodeSilent,
        members.RemovesStranger,
        members.RemovesOnlyVoter,
        members.RemovesLeader,
        quorum.QuorumAfter,
        quorum.CommitFails,
        quorum.QuorumLost,
        tasks.DialectUnknown,
        disks.DiskListUnread,
        disks.DisksMissing,
        disks.HostWithoutDisks,
        disks.StateRefuses,
        disks.DropNotCancelled,
        disks.BrokenWhileDropping,
        disks.DroppingUnread,
        disks.NodeDropMissing,
        disks.VolumesUnread,
        disks.CodeModesUnknown,
        disks.VolumeMargins,
        disks.RoomInZones,
        disks.UnitsWithoutPlace,
        disks.TaskIsOff,
        disks.TaskUnknown,
        disks.SchedulersUnknown,
        disks.NoScheduler,
        disks.LimitReached,
    }
)
"""Kinds of fact with which a check refuses; the preflight of random states makes no block of another kind."""


_SITUATIONS = st.lists(st.from_type(disks.DiskSituation), min_size=1, max_size=3).map(tuple)
_LOW_MARGINS = st.builds(
    disks.MarginGroup, before=st.integers(-2, 3), after=st.integers(-2, 0), volumes=st.integers(1, 9)
)
_FULL_ZONES = st.builds(
    disks.ZoneRoom,
    chunks=st.integers(9, 99),
    free=st.integers(0, 8),
    sure=st.integers(0, 8),
    others=st.integers(0, 9),
)
_REFUSALS: dict[type[Fact], st.SearchStrategy[Fact]] = {
    disks.VolumeMargins: st.builds(
        disks.VolumeMargins,
        change=st.sampled_from((disks.DiskChange.OFFLINE, disks.DiskChange.BROKEN)),
        groups=st.tuples(_LOW_MARGINS),
    ),
    disks.RoomInZones: st.builds(disks.RoomInZones, zones=st.tuples(_FULL_ZONES), reserve_percent=st.integers(0, 100)),
    disks.StateRefuses: st.builds(disks.StateRefuses, disks=_SITUATIONS),
}


def refusals_of(kind: type[Fact]) -> st.SearchStrategy[Fact]:
    """Any fact of a kind with which a check refuses."""
    if kind is quorum.QuorumAfter:
        return st.builds(quorum.QuorumAfter, advice=st.sampled_from(_BLOCKING_ADVICE))
    return _REFUSALS.get(kind, facts_of(kind))

"""Transience: the reasons that a later time may pass by itself, and those that end a series of disks. No I/O.

Every reason that keeps the next disk from its turn has its class here; one that is not listed counts as final.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from bot.common.errors import (
    AuthRejected,
    ClusterBadAnswer,
    ClusterError,
    ClusterFailed,
    ClusterRefused,
    ClusterTimeout,
    ClusterUnreachable,
    NoLeader,
    NotFound,
    OutcomeUnknown,
)
from bot.operations import disk_step_facts as d
from bot.operations import step_facts as s
from bot.operations.preflight.facts import cluster, disks, leadership, quorum
from bot.operations.preflight.verdict import Check, Fact


class Duration(StrEnum):
    """Class of a reason: a `transient` one may pass by itself, a `final` one needs a person."""

    TRANSIENT = "transient"
    FINAL = "final"


_T, _F = Duration.TRANSIENT, Duration.FINAL
CHECKS: Mapping[type[Fact], Duration] = MappingProxyType(
    {
        cluster.NoHostAnswered: _T,
        cluster.NodeIdMissing: _T,
        cluster.NodeIdShared: _F,
        cluster.TwoLeaders: _T,
        cluster.NoLeaderNamed: _T,
        cluster.LeaderDenied: _T,
        cluster.LeaderUnplaced: _T,
        cluster.LeaderNotConfigured: _T,
        cluster.LeaderOutdated: _T,
        cluster.LeaderNotListed: _T,
        cluster.LeaderReadOnly: _T,
        cluster.StrangeHosts: _F,
        quorum.QuorumLost: _T,
        quorum.VotersOutOfReach: _T,
        leadership.TransferPending: _T,
        leadership.OperationOpen: _T,
        disks.DiskListUnread: _T,
        disks.DisksMissing: _F,
        disks.HostWithoutDisks: _F,
        disks.StateRefuses: _F,
        disks.DisksSkipped: _F,
        disks.DropNotCancelled: _F,
        disks.BrokenWhileDropping: _F,
        disks.DroppingUnread: _T,
        disks.NodeDropMissing: _F,
        disks.VolumesUnread: _T,
        disks.JudgedInTurns: _F,
        disks.CodeModesUnknown: _F,
        disks.VolumeMargins: _F,
        disks.HeartbeatsLost: _T,
        disks.MarginsSmaller: _T,
        disks.RoomInZones: _T,
        disks.UnitsWithoutPlace: _T,
        disks.TaskIsOff: _T,
        disks.TaskUnknown: _T,
        disks.NoScheduler: _T,
        disks.SchedulersUnknown: _T,
        disks.LimitReached: _T,
        disks.OperationBeside: _T,
        disks.DiskConsequence: _F,
    }
)
"""Facts with which a check of a change of disks warns or refuses."""
ERRORS: Mapping[type[ClusterError], Duration] = MappingProxyType(
    {
        ClusterUnreachable: _T,
        ClusterTimeout: _T,
        ClusterBadAnswer: _T,
        ClusterFailed: _T,
        NoLeader: _T,
        ClusterRefused: _F,
        NotFound: _F,
        AuthRejected: _F,
        OutcomeUnknown: _F,
    }
)
"""Errors of a cluster before a request had an effect."""
STEPS: Mapping[type[s.StepFact], Duration] = MappingProxyType(
    {
        s.DatabaseLost: _T,
        # The checks of the whole's card judge the disk again; they, and the age of the whole's approval, decide.
        s.ClusterMoved: _T,
        d.ApprovalTooOld: _T,
        d.WritableAgain: _F,
        d.SeriesOver: _F,
        s.LegacyWords: _F,
        s.NotApplied: _F,
        s.SettledByAdmin: _F,
        s.RejectedBecause: _F,
        s.Adopted: _F,
        s.EffectUnseen: _F,
        s.ClusterRemoved: _F,
    }
)
"""Facts with which a part ends; those that carry a reason (ChecksRefuse, Failure, DropNotBegun) have its class."""


def all_transient(checks: Iterable[Check]) -> bool:
    """True if a later time may pass all of these checks."""
    return all(CHECKS.get(type(check.fact)) is _T for check in checks)


def error_is_transient(error: ClusterError) -> bool:
    """True if the same request may go through later."""
    return ERRORS.get(type(error)) is _T


def is_transient(why: s.StepFact | None) -> bool:
    """True if a part that ended for this reason may begin again later."""
    match why:
        case s.ChecksRefuse(checks=checks):
            return all_transient(checks)
        case s.Failure(transient=transient):
            return transient
        case d.DropNotBegun(why=inner):
            return is_transient(inner)
        case None:
            return False
        case _:
            return STEPS.get(type(why)) is _T

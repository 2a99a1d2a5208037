"""Codec of a check: its fact by kind and fields, and beside it the words that 0.1.0 and an audit entry show. No I/O.

0.1.0 stored the `sentence` and the `next_step` of a check and no fact. Such a row, and one with a fact that this
release does not know, opens as a LegacyFact that has the stored text.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from bot.common.adapters import adapter_of
from bot.operations.preflight.facts import cluster, disks, leadership, members, quorum, tasks
from bot.operations.preflight.verdict import Check, CheckLevel, CheckWording, Fact, LegacyFact

FACT_KINDS: Mapping[str, type[Fact]] = MappingProxyType(
    {
        "leader_is": cluster.LeaderIs,
        "leader_read_only": cluster.LeaderReadOnly,
        "hosts_are_members": cluster.HostsAreMembers,
        "strange_hosts": cluster.StrangeHosts,
        "no_host_answered": cluster.NoHostAnswered,
        "node_id_missing": cluster.NodeIdMissing,
        "node_id_shared": cluster.NodeIdShared,
        "two_leaders": cluster.TwoLeaders,
        "no_leader_named": cluster.NoLeaderNamed,
        "leader_denied": cluster.LeaderDenied,
        "leader_unplaced": cluster.LeaderUnplaced,
        "leader_not_configured": cluster.LeaderNotConfigured,
        "leader_outdated": cluster.LeaderOutdated,
        "leader_not_listed": cluster.LeaderNotListed,
        "target_leads": leadership.TargetLeads,
        "target_is_learner": leadership.TargetIsLearner,
        "target_is_stranger": leadership.TargetIsStranger,
        "target_unproven": leadership.TargetUnproven,
        "leadership_moves": leadership.LeadershipMoves,
        "no_transfer_pending": leadership.NoTransferPending,
        "transfer_pending": leadership.TransferPending,
        "entries_unapplied": leadership.EntriesUnapplied,
        "none_catches_up": leadership.NoneCatchesUp,
        "members_catch_up": leadership.MembersCatchUp,
        "no_open_operation": leadership.NoOpenOperation,
        "operation_open": leadership.OperationOpen,
        "learner_in_place": members.LearnerInPlace,
        "id_taken": members.IdTaken,
        "id_answers_elsewhere": members.IdAnswersElsewhere,
        "id_free": members.IdFree,
        "raft_address_taken": members.RaftAddressTaken,
        "raft_address_serves": members.RaftAddressServes,
        "raft_address_free": members.RaftAddressFree,
        "service_address_is_raft": members.ServiceAddressIsRaft,
        "service_address_taken": members.ServiceAddressTaken,
        "service_address_free": members.ServiceAddressFree,
        "service_address_missing": members.ServiceAddressMissing,
        "addresses_in_files": members.AddressesInFiles,
        "node_answers": members.NodeAnswers,
        "node_unknown": members.NodeUnknown,
        "node_silent": members.NodeSilent,
        "learner_no_vote": members.LearnerNoVote,
        "log_received": members.LogReceived,
        "voter_at_once": members.VoterAtOnce,
        "removes_stranger": members.RemovesStranger,
        "removes_only_voter": members.RemovesOnlyVoter,
        "removes_leader": members.RemovesLeader,
        "removes_learner": members.RemovesLearner,
        "removes_healthy_voter": members.RemovesHealthyVoter,
        "removes_unhealthy_voter": members.RemovesUnhealthyVoter,
        "runs_on": members.RunsOn,
        "answers_afterwards": members.AnswersAfterwards,
        "quorum_after": quorum.QuorumAfter,
        "commit_unproven": quorum.CommitUnproven,
        "commit_after_election": quorum.CommitAfterElection,
        "commit_fails": quorum.CommitFails,
        "few_voters": quorum.FewVoters,
        "even_voters": quorum.EvenVoters,
        "odd_voters": quorum.OddVoters,
        "voters_in_reach": quorum.VotersInReach,
        "voters_out_of_reach": quorum.VotersOutOfReach,
        "quorum_lost": quorum.QuorumLost,
        "dialect_known": tasks.DialectKnown,
        "dialect_unknown": tasks.DialectUnknown,
        "value_unread": tasks.ValueUnread,
        "already_so": tasks.AlreadySo,
        "value_is": tasks.ValueIs,
        "value_meaningless": tasks.ValueMeaningless,
        "disks_unknown": tasks.DisksUnknown,
        "disks_fine": tasks.DisksFine,
        "repair_stops": tasks.RepairStops,
        "repair_slows": tasks.RepairSlows,
        "consequence": tasks.Consequence,
        "disk_list_unread": disks.DiskListUnread,
        "disks_missing": disks.DisksMissing,
        "host_without_disks": disks.HostWithoutDisks,
        "state_fits": disks.StateFits,
        "state_refuses": disks.StateRefuses,
        "disks_skipped": disks.DisksSkipped,
        "disks_already": disks.DisksAlready,
        "drop_not_cancelled": disks.DropNotCancelled,
        "broken_while_dropping": disks.BrokenWhileDropping,
        "dropping_unread": disks.DroppingUnread,
        "node_drop_missing": disks.NodeDropMissing,
        "volumes_unread": disks.VolumesUnread,
        "judged_in_turns": disks.JudgedInTurns,
        "code_modes_unknown": disks.CodeModesUnknown,
        "volume_margins": disks.VolumeMargins,
        "heartbeats_lost": disks.HeartbeatsLost,
        "margins_smaller": disks.MarginsSmaller,
        "room_in_zones": disks.RoomInZones,
        "units_without_place": disks.UnitsWithoutPlace,
        "task_is_on": disks.TaskIsOn,
        "task_is_off": disks.TaskIsOff,
        "task_unknown": disks.TaskUnknown,
        "schedulers_there": disks.SchedulersThere,
        "no_scheduler": disks.NoScheduler,
        "schedulers_unknown": disks.SchedulersUnknown,
        "within_limits": disks.WithinLimits,
        "limit_reached": disks.LimitReached,
        "operation_beside": disks.OperationBeside,
        "disk_consequence": disks.DiskConsequence,
    }
)
"""The stored name of each kind of fact: a class may be renamed, its stored name may not."""

_NAMES: Mapping[type[Fact], str] = MappingProxyType({kind: name for name, kind in FACT_KINDS.items()})
_FORCED = "FORCED against this block: "
"""First words of a forced check as 0.1.0 stored it."""


def encode_check(check: Check, wording: CheckWording) -> dict[str, Any]:
    """Encode a check; `wording` puts it into words."""
    sentence, next_step = wording(check)
    found: dict[str, Any] = {
        "key": check.key,
        "level": check.level.value,
        "sentence": sentence,
        "next_step": next_step,
        "forceable": check.forceable,
        "bound": check.bound,
    }
    kind = type(check.fact)
    if kind is LegacyFact:
        return found
    fact = {"kind": _NAMES[kind], **adapter_of(kind).dump_python(check.fact, mode="json")}
    return found | {"fact": fact, "forced": check.forced}


def decode_check(data: Mapping[str, Any]) -> Check:
    """Decode a check; raises KeyError, TypeError or ValueError when it is not one."""
    fact, forced = _fact(data.get("fact")), bool(data.get("forced"))
    if fact is None:
        sentence = str(data["sentence"])
        forced = sentence.startswith(_FORCED)
        fact = LegacyFact(sentence.removeprefix(_FORCED), str(data.get("next_step", "")))
    level, forceable = CheckLevel(data["level"]), bool(data.get("forceable"))
    return Check(str(data["key"]), level, fact, forceable, str(data.get("bound", "")), forced)


def _fact(stored: Any) -> Fact | None:
    """The fact of a stored form, None if it is missing or unknown; unknown keys are ignored."""
    kind = FACT_KINDS.get(str(stored.get("kind"))) if isinstance(stored, Mapping) else None
    if kind is None:
        return None
    try:
        return adapter_of(kind).validate_python({name: value for name, value in stored.items() if name != "kind"})
    except ValidationError:
        return None

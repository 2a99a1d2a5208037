"""The table of words: the text of a check from its fact; another language is another such table. No I/O."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from bot.operations.preflight.facts import cluster as cluster_facts
from bot.operations.preflight.facts import disks as disk_facts
from bot.operations.preflight.facts import leadership as leadership_facts
from bot.operations.preflight.facts import members as member_facts
from bot.operations.preflight.facts import quorum as quorum_facts
from bot.operations.preflight.facts import tasks as task_facts
from bot.operations.preflight.verdict import Check, Fact, LegacyFact
from bot.views.preflight_text import cluster, disk_volumes, disks, leadership, members, quorum, tasks
from bot.views.preflight_text.phrases import CheckText


def _legacy(fact: LegacyFact) -> CheckText:
    return CheckText(fact.sentence, fact.next_step)


FACTS: Mapping[type[Fact], Callable[[Any], CheckText]] = MappingProxyType(
    {
        LegacyFact: _legacy,
        cluster_facts.LeaderIs: cluster.leader_is,
        cluster_facts.LeaderReadOnly: cluster.leader_read_only,
        cluster_facts.HostsAreMembers: cluster.hosts_are_members,
        cluster_facts.StrangeHosts: cluster.strange_hosts,
        cluster_facts.NoHostAnswered: cluster.no_host_answered,
        cluster_facts.NodeIdMissing: cluster.node_id_missing,
        cluster_facts.NodeIdShared: cluster.node_id_shared,
        cluster_facts.TwoLeaders: cluster.two_leaders,
        cluster_facts.NoLeaderNamed: cluster.no_leader_named,
        cluster_facts.LeaderDenied: cluster.leader_denied,
        cluster_facts.LeaderUnplaced: cluster.leader_unplaced,
        cluster_facts.LeaderNotConfigured: cluster.leader_not_configured,
        cluster_facts.LeaderOutdated: cluster.leader_outdated,
        cluster_facts.LeaderNotListed: cluster.leader_not_listed,
        leadership_facts.TargetLeads: leadership.target_leads,
        leadership_facts.TargetIsLearner: leadership.target_is_learner,
        leadership_facts.TargetIsStranger: leadership.target_is_stranger,
        leadership_facts.TargetUnproven: leadership.target_unproven,
        leadership_facts.LeadershipMoves: leadership.leadership_moves,
        leadership_facts.NoTransferPending: leadership.no_transfer_pending,
        leadership_facts.TransferPending: leadership.transfer_pending,
        leadership_facts.EntriesUnapplied: leadership.entries_unapplied,
        leadership_facts.NoneCatchesUp: leadership.none_catches_up,
        leadership_facts.MembersCatchUp: leadership.members_catch_up,
        leadership_facts.NoOpenOperation: leadership.no_open_operation,
        leadership_facts.OperationOpen: leadership.operation_open,
        member_facts.LearnerInPlace: members.learner_in_place,
        member_facts.IdTaken: members.id_taken,
        member_facts.IdAnswersElsewhere: members.id_answers_elsewhere,
        member_facts.IdFree: members.id_free,
        member_facts.RaftAddressTaken: members.raft_address_taken,
        member_facts.RaftAddressServes: members.raft_address_serves,
        member_facts.RaftAddressFree: members.raft_address_free,
        member_facts.ServiceAddressIsRaft: members.service_address_is_raft,
        member_facts.ServiceAddressTaken: members.service_address_taken,
        member_facts.ServiceAddressFree: members.service_address_free,
        member_facts.ServiceAddressMissing: members.service_address_missing,
        member_facts.AddressesInFiles: members.addresses_in_files,
        member_facts.NodeAnswers: members.node_answers,
        member_facts.NodeUnknown: members.node_unknown,
        member_facts.NodeSilent: members.node_silent,
        member_facts.LearnerNoVote: members.learner_no_vote,
        member_facts.LogReceived: members.log_received,
        member_facts.VoterAtOnce: members.voter_at_once,
        member_facts.RemovesStranger: members.removes_stranger,
        member_facts.RemovesOnlyVoter: members.removes_only_voter,
        member_facts.RemovesLeader: members.removes_leader,
        member_facts.RemovesLearner: members.removes_learner,
        member_facts.RemovesHealthyVoter: members.removes_healthy_voter,
        member_facts.RemovesUnhealthyVoter: members.removes_unhealthy_voter,
        member_facts.RunsOn: members.runs_on,
        member_facts.AnswersAfterwards: members.answers_afterwards,
        quorum_facts.QuorumAfter: quorum.quorum_after,
        quorum_facts.CommitUnproven: quorum.commit_unproven,
        quorum_facts.CommitAfterElection: quorum.commit_after_election,
        quorum_facts.CommitFails: quorum.commit_fails,
        quorum_facts.FewVoters: quorum.few_voters,
        quorum_facts.EvenVoters: quorum.even_voters,
        quorum_facts.OddVoters: quorum.odd_voters,
        quorum_facts.VotersInReach: quorum.voters_in_reach,
        quorum_facts.VotersOutOfReach: quorum.voters_out_of_reach,
        quorum_facts.QuorumLost: quorum.quorum_lost,
        task_facts.DialectKnown: tasks.dialect_known,
        task_facts.DialectUnknown: tasks.dialect_unknown,
        task_facts.ValueUnread: tasks.value_unread,
        task_facts.AlreadySo: tasks.already_so,
        task_facts.ValueIs: tasks.value_is,
        task_facts.ValueMeaningless: tasks.value_meaningless,
        task_facts.DisksUnknown: tasks.disks_unknown,
        task_facts.DisksFine: tasks.disks_fine,
        task_facts.RepairStops: tasks.repair_stops,
        task_facts.RepairSlows: tasks.repair_slows,
        task_facts.Consequence: tasks.consequence,
        disk_facts.DiskListUnread: disks.disk_list_unread,
        disk_facts.DisksMissing: disks.disks_missing,
        disk_facts.HostWithoutDisks: disks.host_without_disks,
        disk_facts.StateFits: disks.state_fits,
        disk_facts.StateRefuses: disks.state_refuses,
        disk_facts.DisksSkipped: disks.disks_skipped,
        disk_facts.DisksAlready: disks.disks_already,
        disk_facts.DropNotCancelled: disks.drop_not_cancelled,
        disk_facts.BrokenWhileDropping: disks.broken_while_dropping,
        disk_facts.DroppingUnread: disks.dropping_unread,
        disk_facts.NodeDropMissing: disks.node_drop_missing,
        disk_facts.VolumesUnread: disk_volumes.volumes_unread,
        disk_facts.JudgedInTurns: disk_volumes.judged_in_turns,
        disk_facts.CodeModesUnknown: disk_volumes.code_modes_unknown,
        disk_facts.VolumeMargins: disk_volumes.volume_margins,
        disk_facts.HeartbeatsLost: disk_volumes.heartbeats_lost,
        disk_facts.MarginsSmaller: disk_volumes.margins_smaller,
        disk_facts.RoomInZones: disk_volumes.room_in_zones,
        disk_facts.UnitsWithoutPlace: disk_volumes.units_without_place,
        disk_facts.TaskIsOn: disks.task_is_on,
        disk_facts.TaskIsOff: disks.task_is_off,
        disk_facts.TaskUnknown: disks.task_unknown,
        disk_facts.SchedulersThere: disks.schedulers_there,
        disk_facts.NoScheduler: disks.no_scheduler,
        disk_facts.SchedulersUnknown: disks.schedulers_unknown,
        disk_facts.WithinLimits: disks.within_limits,
        disk_facts.LimitReached: disks.limit_reached,
        disk_facts.OperationBeside: disks.operation_beside,
        disk_facts.DiskConsequence: disks.disk_consequence,
    }
)
"""Words for each kind of fact."""


def check_text(check: Check) -> CheckText:
    """A check in words."""
    text = FACTS[type(check.fact)](check.fact)
    return text._replace(sentence=f"FORCED against this block: {text.sentence}") if check.forced else text

"""The table of words: the text of an alert from its facts; another language is another such table. No I/O."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from bot.alerting import details as d
from bot.alerting import outcomes as o
from bot.alerting.model import Alert, AlertText, Detail, LegacyDetail, LegacyOutcome, Outcome
from bot.views.alert_text import disk_drops, disks, external, hosts, outcomes, raft, schedulers, tasks, volumes


def _legacy(detail: LegacyDetail, _: str) -> AlertText:
    return AlertText(detail.sentence, detail.lines, detail.more)


def _legacy_outcome(outcome: LegacyOutcome, _: Alert) -> str:
    return outcome.sentence


DETAILS: Mapping[type[Detail], Callable[[Any, str], AlertText]] = MappingProxyType(
    {
        LegacyDetail: _legacy,
        d.HostSilent: hosts.host_silent,
        d.ClusterSilent: hosts.cluster_silent,
        d.ReadOnly: hosts.read_only,
        d.UselessAnswer: hosts.useless_answer,
        d.TokenRejected: hosts.token_rejected,
        d.SlowHost: hosts.slow_host,
        d.HostsDisagree: hosts.hosts_disagree,
        d.StaleHost: hosts.stale_host,
        d.LeaderUnseen: hosts.leader_unseen,
        d.OwnNetworkLost: hosts.own_network_lost,
        d.PollsFail: hosts.polls_fail,
        d.LeaderMissing: raft.no_leader,
        d.LeaderChanged: raft.leader_changed,
        d.LeaderFlapping: raft.leader_flapping,
        d.MembershipChanged: raft.membership_changed,
        d.PeerDown: raft.peer_down,
        d.QuorumAtRisk: raft.quorum_at_risk,
        d.PeerLagging: raft.peer_lagging,
        d.ApplyStalled: raft.apply_stalled,
        d.ApplyUnknown: raft.apply_unknown,
        d.LearnerReady: raft.learner_ready,
        d.DisksBroken: disks.disks_broken,
        d.DisksExpired: disks.disks_expired,
        d.DisksStuck: disks.disks_stuck,
        d.DisksDropping: disk_drops.disks_dropping,
        d.WritableLow: disks.writable_low,
        d.ChunksLow: disks.chunks_low,
        d.NoVolume: disks.no_volume,
        d.VolumesLow: disks.volumes_low,
        d.DisksNotEmpty: volumes.disks_not_empty,
        d.VolumesAtRisk: volumes.volumes_at_risk,
        d.VolumesLost: volumes.volumes_lost,
        d.VolumesUnreachable: volumes.volumes_unreachable,
        d.SchedulersSilent: schedulers.schedulers_silent,
        d.TaskFailing: schedulers.task_failing,
        d.TaskOff: tasks.task_off,
        d.TaskOffWithWork: tasks.task_off_with_work,
        d.SwitchMeaningless: tasks.switch_meaningless,
        d.SwitchesChanged: tasks.switches_changed,
        d.ExternalReport: external.external_report,
    }
)
"""Words for each kind of detail, given the name of its cluster."""

OUTCOMES: Mapping[type[Outcome], Callable[[Any, Alert], str]] = MappingProxyType(
    {
        LegacyOutcome: _legacy_outcome,
        o.Ended: outcomes.ended,
        o.NotWatched: outcomes.not_watched,
        o.HostOutcome: outcomes.host_outcome,
        o.AnswersAgain: outcomes.answers_again,
        o.LeaderNow: outcomes.leader_now,
        o.MembersNow: outcomes.members_now,
        o.PeerOutcome: outcomes.peer_outcome,
        o.DisksDone: outcomes.disks_done,
        o.WorkMoves: outcomes.work_moves,
        o.VolumesNow: outcomes.volumes_now,
        o.DisksEmpty: outcomes.disks_empty,
        o.DropsDone: disk_drops.drops_done,
        o.SpaceNow: outcomes.space_now,
        o.TaskOutcome: outcomes.task_outcome,
        o.ExternalOver: external.external_over,
    }
)
"""Words for each kind of outcome, given its alert."""


def detail_text(detail: Detail, cluster: str) -> AlertText:
    """A detail in words."""
    return DETAILS[type(detail)](detail, cluster)


def alert_text(alert: Alert) -> AlertText:
    """An alert in words, with its end if it has ended."""
    text = detail_text(alert.detail, alert.cluster)
    return AlertText(text.sentence, text.lines, text.more, outcome_sentence(alert))


def named_step(detail: Detail) -> str:
    """The next step that follows from the facts, "" where the first step of the runbook is right."""
    if isinstance(detail, LegacyDetail):
        return detail.step
    if isinstance(detail, d.DisksBroken):
        return disks.repair_step(detail)
    if isinstance(detail, d.TaskOff):
        return tasks.value_step(detail)
    return raft.quorum_step(detail) if isinstance(detail, d.QuorumAtRisk) else ""


def cause_of(detail: Detail) -> tuple[int, tuple[str, ...]]:
    """The operation that caused a finding and its approvers (Slack user ids); 0 if none did."""
    if isinstance(detail, LegacyDetail):
        return detail.op, detail.approved
    only = raft.operation_of(detail) if isinstance(detail, d.LeaderChanged) else None
    return (only.op, only.approved) if only else (0, ())


def sentence_of(alert: Alert) -> str:
    """The sentence of an alert: its problem."""
    return detail_text(alert.detail, alert.cluster).sentence


def outcome_sentence(alert: Alert) -> str:
    """The sentence about an alert's end, "" while it is open or if it ended before it was announced."""
    return "" if alert.outcome is None else OUTCOMES[type(alert.outcome)](alert.outcome, alert)

"""Samples of alerts: the message of every finding, thread replies, ends, groups, lists, silences and notices."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from bot.alerting import details as d
from bot.alerting.details import PollFailure, PollFailureKind
from bot.alerting.grouping import AlertGroup
from bot.alerting.model import (
    Alert,
    AlertState,
    Detail,
    EnableTask,
    EngineNotes,
    LegacyDetail,
    Muted,
    Severity,
    Silence,
)
from bot.alerting.next_change import change_of_rule
from bot.alerting.rules.base import Rule
from bot.alerting.rules.table import RULES, rule_named
from bot.alerting.runbooks import RUNBOOKS
from bot.alerting.silences import Lifted, SilenceResult
from bot.alerting.transition import Transition, TransitionReason, Visibility
from bot.common.message_key import MessageKey
from bot.interactions.message import Message
from bot.views import alert_group, alert_lists, alerts, fallback, folded, notices
from bot.views.alert_actions import runbook
from tests.docgen.phrasebook.render import Sample, Section
from tests.support.alert_samples import DETAIL_SAMPLES, OUTCOME_SAMPLES
from tests.support.view_samples import AT

HOUR = 3600.0
GROUP = "digest:C0STORAGE:1"
RULE_OF: Mapping[type[Detail], str] = {
    LegacyDetail: "disk_broken",
    d.HostSilent: "host_unreachable",
    d.ClusterSilent: "cluster_unreachable",
    d.ReadOnly: "read_only",
    d.UselessAnswer: "api_error",
    d.TokenRejected: "auth_rejected",
    d.SlowHost: "slow_answers",
    d.HostsDisagree: "hosts_disagree",
    d.StaleHost: "stale_host",
    d.LeaderUnseen: "leader_unseen",
    d.OwnNetworkLost: "own_network",
    d.PollsFail: "watch_blind",
    d.LeaderMissing: "no_leader",
    d.LeaderChanged: "leader_changed",
    d.LeaderFlapping: "leader_flapping",
    d.MembershipChanged: "membership_changed",
    d.PeerDown: "peer_down",
    d.QuorumAtRisk: "quorum_at_risk",
    d.PeerLagging: "peer_lagging",
    d.ApplyStalled: "apply_stalled",
    d.ApplyUnknown: "apply_stalled",
    d.LearnerReady: "learner_ready",
    d.DisksBroken: "disk_broken",
    d.DisksExpired: "disk_expired",
    d.DisksStuck: "drop_stuck",
    d.DisksDropping: "disk_dropping",
    d.WritableLow: "writable_low",
    d.ChunksLow: "chunks_low",
    d.NoVolume: "no_volume",
    d.VolumesLow: "volumes_low",
    d.DisksNotEmpty: "disk_not_empty",
    d.VolumesAtRisk: "volumes_at_risk",
    d.VolumesLost: "volumes_lost",
    d.VolumesUnreachable: "volumes_unreachable",
    d.SchedulersSilent: "scheduler_silent",
    d.TaskFailing: "tasks_failing",
    d.TaskOff: "task_off_too_long",
    d.TaskOffWithWork: "task_off_with_work",
    d.SwitchMeaningless: "switch_meaningless",
    d.SwitchesChanged: "switch_changed",
    d.ExternalReport: "external",
}
"""The rule that finds each kind of detail."""


def _alert(detail: Detail) -> Alert:
    rule = rule_named(RULE_OF[type(detail)])
    assert rule is not None, detail
    fix = EnableTask("disk_repair") if isinstance(detail, d.TaskOffWithWork) else None
    return Alert(
        "prod", rule.key, "", AlertState.FIRING, rule.severity, detail, AT - HOUR, fix=fix, fired_at=AT - HOUR, id=17
    )


BROKEN = _alert(next(each for each in DETAIL_SAMPLES if isinstance(each, d.DisksBroken)))
OFF = _alert(next(each for each in DETAIL_SAMPLES if isinstance(each, d.TaskOffWithWork)))


def sections() -> Iterator[Section]:
    """Yield the sections."""
    firing = tuple(
        Sample(f"{RULE_OF[type(each)]}: {type(each).__name__}", alerts.card(_alert(each))) for each in DETAIL_SAMPLES
    )
    yield Section("Alerts, firing", firing)
    yield Section("Alert states", tuple(_states()))
    yield Section("Alerts of one cause, in one message", tuple(_folded()))
    yield Section("Ends of alerts", tuple(_ends()))
    yield Section("Replies in the thread of an alert", tuple(_replies()))
    yield Section("Group messages", tuple(_groups()))
    yield Section("Alert lists, acknowledgements and silences", tuple(_lists()))
    yield Section("Notices", tuple(_notices()))
    yield Section(
        "Runbooks (`/cm runbook`)",
        tuple(Sample(rule.key, _runbook(rule)) for rule in RULES),
    )


def _runbook(rule: Rule) -> Message:
    change = change_of_rule(rule.key)
    return runbook(rule, RUNBOOKS[rule.key], "https://docs.example/cmbot", change=change, cluster="prod")


def _states() -> Iterator[Sample]:
    yield Sample("pending", alerts.card(replace(BROKEN, state=AlertState.PENDING, fired_at=0.0)))
    yield Sample("firing, critical", alerts.card(replace(BROKEN, severity=Severity.CRITICAL)))
    yield Sample("firing, for information", alerts.card(replace(BROKEN, severity=Severity.INFO)))
    held = replace(BROKEN, state=AlertState.ACKNOWLEDGED, acked_by="U0ANNA", acked_at=AT)
    yield Sample("acknowledged", alerts.card(held))
    yield Sample("acknowledged for a time", alerts.card(replace(held, notes=EngineNotes(acked_until=AT + 2 * HOUR))))
    yield Sample("silenced", alerts.card(replace(BROKEN, notes=EngineNotes(muted=Muted(7, "U0ANNA"), silenced=(7,)))))
    yield Sample("with a fix", alerts.card(OFF))
    many = replace(BROKEN, detail=LegacyDetail("9 disks are broken.", tuple(f"disk #{n}" for n in range(1, 8)), 2))
    yield Sample("with many affected things", alerts.card(many))
    yield Sample("in full (*Show all*)", alerts.in_full(many))


def _folded() -> Iterator[Sample]:
    into = EngineNotes(folded=BROKEN.pair)
    waits = replace(OFF, id=18, subject="disk_repair", notes=into)
    risk = replace(
        _alert(next(each for each in DETAIL_SAMPLES if isinstance(each, d.VolumesAtRisk))), id=19, notes=into
    )
    held = replace(waits, state=AlertState.ACKNOWLEDGED, acked_by="U0ANNA", acked_at=AT)
    over = replace(waits, state=AlertState.RESOLVED, resolved_at=AT, outcome=OUTCOME_SAMPLES[-1])
    yield Sample("a more severe one raises the message", alerts.card(BROKEN, (risk, waits)))
    yield Sample("one acknowledged, one resolved", alerts.card(BROKEN, (replace(held, id=20), over)))
    ended = replace(BROKEN, state=AlertState.RESOLVED, resolved_at=AT, clear_since=AT - 60, outcome=OUTCOME_SAMPLES[8])
    yield Sample("all resolved", alerts.card(ended, (over,)))
    fired = Transition(None, waits, TransitionReason.FIRED, Visibility.POST)
    yield Sample("reply: a further alert", alerts.folded_reply(fired))
    again = Transition(waits, waits, TransitionReason.UNFOLDED, Visibility.POST)
    yield Sample("reply: in this message now", alerts.folded_reply(again))
    yield Sample("reply: in a separate message now", folded.moved_out(waits, None))
    yield Sample("reply: in another message now", folded.moved_out(waits, BROKEN))
    yield Sample("/cm alerts", alert_lists.alerts((BROKEN, waits), silences=0, now=AT))
    yield Sample(
        "acknowledged with it",
        alert_lists.acknowledged(replace(BROKEN, state=AlertState.ACKNOWLEDGED, acked_by="U0ANNA"), folded=(held,)),
    )
    own = Silence("prod", "disk_broken", "", AT + HOUR, "U0ANNA", "", AT, id=9, alert=17)
    yield Sample("silenced with it", alert_lists.silenced(SilenceResult(own, None), (waits,)))


def _ends() -> Iterator[Sample]:
    for outcome in OUTCOME_SAMPLES:
        ended = replace(BROKEN, state=AlertState.RESOLVED, resolved_at=AT, clear_since=AT - 60, outcome=outcome)
        yield Sample(type(outcome).__name__, alerts.card(ended))


def _moves() -> Iterator[Transition]:
    muted = replace(BROKEN, notes=EngineNotes(muted=Muted(7, "U0ANNA"), silenced=(7,)))
    now = replace(BROKEN, changed_at=AT, reminded_at=AT)
    held = replace(BROKEN, state=AlertState.ACKNOWLEDGED, acked_by="U0ANNA", acked_at=AT - HOUR)
    taken = replace(held, acked_by="U0BEN", acked_at=AT, changed_at=AT, notes=EngineNotes(acked_until=AT + HOUR))
    ended = replace(now, state=AlertState.RESOLVED, resolved_at=AT, outcome=OUTCOME_SAMPLES[8])
    yield Transition(None, now, TransitionReason.FIRED, Visibility.POST)
    yield Transition(muted, now, TransitionReason.FIRED, Visibility.POST)
    yield Transition(BROKEN, now, TransitionReason.WORSE, Visibility.REPLY_BROADCAST)
    yield Transition(muted, now, TransitionReason.WORSE, Visibility.REPLY_BROADCAST)
    yield Transition(BROKEN, now, TransitionReason.REMINDED, Visibility.REPLY, "S0ONCALL")
    yield Transition(BROKEN, now, TransitionReason.ESCALATED, Visibility.REPLY_BROADCAST, "S0ONCALL")
    yield Transition(muted, now, TransitionReason.UNMUTED, Visibility.REPLY)
    yield Transition(held, taken, TransitionReason.TAKEN_OVER, Visibility.REPLY)
    yield Transition(held, now, TransitionReason.GIVEN_BACK, Visibility.REPLY)
    yield Transition(held, now, TransitionReason.HOLD_EXPIRED, Visibility.REPLY)
    yield Transition(held, replace(held, changed_at=AT), TransitionReason.HOLDER_REMINDED, Visibility.REPLY, also=(18,))
    yield Transition(BROKEN, ended, TransitionReason.RESOLVED, Visibility.REPLY)


def _replies() -> Iterator[Sample]:
    for move in _moves():
        muted = " after a silence" if move.old is not None and move.old.notes.muted is not None else ""
        yield Sample(f"{move.reason.name.lower()}{muted}", alerts.line(move))


def _groups() -> Iterator[Sample]:
    listed = tuple(replace(BROKEN, id=number, notes=EngineNotes(group=GROUP)) for number in range(1, 12))
    group = AlertGroup(MessageKey.parse(GROUP), AT - HOUR, ("prod",), tuple(each.id for each in listed))
    yield Sample("active", alert_group.group_card(group, listed, listed[:8]))
    ended = replace(group, scopes=(), ended_at=AT)
    yield Sample("ended, alerts are open", alert_group.group_card(ended, listed[:2], listed[:2]))
    over = tuple(replace(each, state=AlertState.RESOLVED, resolved_at=AT) for each in listed)
    yield Sample("ended, no alert is open", alert_group.group_card(ended, over, ()))
    yield Sample("a reply", alert_group.group_line(tuple(_moves())))


def _lists() -> Iterator[Sample]:
    held = replace(BROKEN, state=AlertState.ACKNOWLEDGED, acked_by="U0ANNA", acked_at=AT)
    quiet = replace(BROKEN, state=AlertState.PENDING, fired_at=0.0, notes=EngineNotes(muted=Muted(7, "U0BEN")))
    short = replace(held, notes=EngineNotes(acked_until=AT + HOUR))
    yield Sample("/cm alerts", alert_lists.alerts((BROKEN, held, short, quiet), silences=1, now=AT))
    yield Sample("/cm alerts, none", alert_lists.alerts((), silences=0, now=AT))
    yield Sample("acknowledged", alert_lists.acknowledged(held))
    yield Sample("acknowledged for a time", alert_lists.acknowledged(short))
    yield Sample("taken over", alert_lists.acknowledged(held, "U0BEN"))
    yield Sample("given back", alert_lists.given_back(BROKEN))
    one = Silence("prod", "peer_down", "3", AT + HOUR, "U0ANNA", "reboot", AT, id=7)
    every = Silence("prod", "*", "", AT + 2 * HOUR, "U0BEN", "", AT, id=8)
    own = Silence("prod", "disk_broken", "", AT + HOUR, "U0ANNA", "", AT, id=9, alert=17)
    for state, begun in (
        ("one subject", SilenceResult(one, 0)),
        ("all rules", SilenceResult(every, 2)),
        ("one alert", SilenceResult(own, None)),
    ):
        yield Sample(f"silence of {state}", alert_lists.silenced(begun))
    yield Sample("silence extended", alert_lists.silenced(SilenceResult(one, 1, AT - HOUR)))
    yield Sample("/cm silences", alert_lists.silences((one, every), now=AT))
    yield Sample("/cm silences, none", alert_lists.silences((), now=AT))
    yield Sample("silence, for the person", alert_lists.silence_begun(SilenceResult(one, 1)))
    yield Sample("silence extended, for the person", alert_lists.silence_begun(SilenceResult(every, 0, AT - HOUR)))
    yield Sample("lifted, for the person", alert_lists.silence_lifted(Lifted(one)))
    yield Sample("lifted, others mute, for the person", alert_lists.silence_lifted(Lifted(one, (every,))))
    yield Sample("lifted", alert_lists.lifted(Lifted(one), "U0BEN"))
    yield Sample("lifted, others mute", alert_lists.lifted(Lifted(one, (every,)), "U0BEN"))
    yield Sample("ended, nothing was muted", notices.silence_over(one, ()))
    yield Sample("ended, alerts came and went", notices.silence_over(one, (BROKEN, held)))


def _notices() -> Iterator[Sample]:
    yield Sample("a cluster left the settings", notices.cluster_left("test", 2, 1))
    yield Sample("the alert channel was changed, in the old one", notices.alerts_moved("prod", "C0NEW", 2))
    yield Sample(
        "polls failed and could not be announced",
        notices.watch_recovered("prod", AT - HOUR, AT, PollFailure(PollFailureKind.ERROR, "The database is locked.")),
    )
    yield Sample("clock set ahead", notices.clock_set("host-1:42", 90.0, 90.0))
    yield Sample("clock set back", notices.clock_set("host-1:42", -90.0, 0.0))
    message = alerts.card(BROKEN)
    link = "https://example.slack.com/archives/C0STORAGE/p1"
    yield Sample("posted in the fallback channel", fallback.rerouted(message, "C0STORAGE"))
    yield Sample("posted because the old message cannot be edited", fallback.as_replacement(message, link))
    yield Sample("moved to another alert channel", fallback.as_moved(message, link, "C0STORAGE"))
    yield Sample(
        "posted because the thread takes no replies", fallback.as_channel_message(alerts.line(next(_moves())), link)
    )
    yield Sample("the channel takes messages again", fallback.channel_recovered(AT - HOUR, "is_archived", "C0OPS"))

"""Save the alerts of transitions and put their messages into the outbox, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.alerting.grouping import AlertGroup, ChannelHistory, GroupingLimits, due, listed, worst_first
from bot.alerting.maintenance import LiftedMaintenance, ended_maintenance
from bot.alerting.model import Alert, AlertState, Severity, Silence
from bot.alerting.transition import NOTIFYING, Transition, TransitionReason, Visibility
from bot.audit.chain import AuditEntry
from bot.common.json_object import JsonValue
from bot.common.message_key import MessageKey
from bot.store.unit_of_work import UnitOfWork
from bot.views.alert_group import MAX_SHOWN, group_card, group_line, most_severe
from bot.views.alert_text.table import alert_text
from bot.views.alerts import folded_reply, line
from bot.views.maintenance_text import lift_reason_text, maintenance_lifted, maintenance_over
from bot.views.notices import silence_over
from bot.watch import hold_audit
from bot.watch.alert_records import record
from bot.watch.folded_messages import publish_folded, put_card


async def publish(
    uow: UnitOfWork,
    transitions: Sequence[Transition],
    before: ChannelHistory,
    after: ChannelHistory,
    limits: GroupingLimits,
    now: float = 0.0,
) -> None:
    """Save the alerts of one step and put their messages; `before` and `after` are the channel history.

    `now` is the time of the step, for what changes nothing that a reader sees; 0: that of the last change.
    """
    stored = [await _stored(uow, transition) for transition in transitions]
    await record(uow, stored, now)
    for transition in stored:
        await _publish_own(uow, transition, after.channel)
        if transition.reason in hold_audit.OF_THE_WATCH:
            await uow.audit.append(hold_audit.entry(transition, ""))
    await publish_folded(uow, stored, after.channel)
    storm = before.storm
    ended = storm.message_key if storm and after.storm is None and storm != after.group(storm.message_key) else None
    after = await _publish_groups(uow, after, _by_group(stored), ended, limits)
    if after != before:
        await uow.channel_histories.put(after)


async def publish_one(uow: UnitOfWork, transition: Transition, channel: str) -> None:
    """Publish one saved transition that a person caused; also if an alert group lists the alert."""
    await record(uow, [transition])
    await _publish_own(uow, transition, channel)
    await publish_folded(uow, [transition], channel)
    if transition.new.notes.group is not None:
        history = await uow.channel_histories.get(channel)
        published = await _publish_groups(uow, history, _by_group([transition]), None, GroupingLimits())
        if published != history:
            await uow.channel_histories.put(published)


async def end_group(uow: UnitOfWork, channel: str, now: float) -> bool:
    """End the storm of a channel that no cluster uses any more; False if there is none."""
    history = await uow.channel_histories.get(channel)
    storm = history.storm
    if storm is None:
        return False
    calm = history.with_group(replace(storm, ended_at=now))
    published = await _publish_groups(uow, calm, {}, storm.message_key, GroupingLimits())
    await uow.channel_histories.put(published)
    return True


async def _stored(uow: UnitOfWork, transition: Transition) -> Transition:
    if not transition.new.open and transition.new.id:
        await uow.silences.end_with(transition.new.id)
    if transition.new.id == 0 or transition.old is None or transition.new.version != transition.old.version:
        return replace(transition, new=await uow.alerts.save(transition.new, alert_text(transition.new)))
    await uow.alerts.touch(transition.new, alert_text(transition.new))
    return transition


async def _publish_own(uow: UnitOfWork, transition: Transition, channel: str) -> None:
    """The alert's own message, and a line in its thread."""
    notes = transition.new.notes
    if transition.visibility is Visibility.QUIET or notes.group is not None or notes.folded is not None:
        return
    message_key, own = MessageKey.alert(transition.new.message_id), MessageKey.alert(transition.new.id)
    await put_card(uow, transition.new, channel)
    if not transition.new.open:
        # Growth that was not posted yet is obsolete.
        await uow.outbox.drop_unposted(own.lines, loud=True)
    taken = transition.reason is TransitionReason.FIRED and transition.new.notes.message is not None
    if transition.visibility in {Visibility.REPLY, Visibility.REPLY_BROADCAST} or taken or _was_muted(transition):
        await uow.outbox.put(
            own.line(transition.new.version),
            channel,
            folded_reply(transition) if taken else line(transition),
            parent=message_key,
            broadcast=transition.visibility is Visibility.REPLY_BROADCAST,
        )


def _was_muted(transition: Transition) -> bool:
    """True if a silence delayed the first post; the thread mentions that."""
    return (
        transition.reason is TransitionReason.FIRED
        and transition.old is not None
        and transition.old.notes.muted is not None
    )


def _by_group(transitions: Sequence[Transition]) -> Mapping[MessageKey, Sequence[Transition]]:
    """The transitions that a group message shows, by its key; also of an alert that left the group."""
    found: dict[MessageKey, list[Transition]] = {}
    for transition in transitions:
        group = transition.new.notes.group or (transition.old.notes.group if transition.old else None)
        if group and transition.visibility is not Visibility.QUIET:
            found.setdefault(MessageKey.parse(group), []).append(transition)
    return found


async def _publish_groups(
    uow: UnitOfWork,
    history: ChannelHistory,
    transitions: Mapping[MessageKey, Sequence[Transition]],
    ended: MessageKey | None,
    limits: GroupingLimits,
) -> ChannelHistory:
    for message_key in dict.fromkeys((*transitions, *([ended] if ended else []))):
        group = history.group(message_key)
        if group is not None:
            choose = limits if message_key == ended else None
            published = await _publish_group(uow, history.channel, group, transitions.get(message_key, ()), choose)
            history = history.with_group(published) if published else history.without(message_key)
    return history


async def _publish_group(
    uow: UnitOfWork, channel: str, group: AlertGroup, transitions: Sequence[Transition], choose: GroupingLimits | None
) -> AlertGroup | None:
    """Post the group message as it is now; None if all its alerts are over, and with them the group.

    With the limits to `choose` by, the storm ends here, and the alerts due for their own message are recorded.
    """
    new = tuple(each.new.id for each in transitions if each.reason is TransitionReason.FIRED)
    group = replace(group, ids=(*group.ids, *new))
    alerts = await uow.alerts.members(group.ids)
    left = listed(group, alerts)
    worst = worst_first(await uow.alerts.some([each.id for each in worst_first(left)[:MAX_SHOWN]]))
    if choose is not None:
        group = replace(group, due=due(left, choose))
    await uow.outbox.put(group.message_key, channel, group_card(group, alerts, worst))
    notifying = [each for each in transitions if each.visibility in NOTIFYING and each.new.notes.group is not None]
    if notifying:
        group = replace(group, lines=group.lines + 1)
        reply = group.message_key.line(group.lines)
        before = [alert for alert in alerts if alert.id not in new]
        broadcast = any(_shows(transition, most_severe(before)) for transition in notifying)
        await uow.outbox.put(reply, channel, group_line(notifying), parent=group.message_key, broadcast=broadcast)
    return group if group.active or left else None


def _shows(transition: Transition, before: Severity) -> bool:
    """True if the reply is broadcast: it calls a group, or is more severe than before."""
    if transition.reason is TransitionReason.FIRED:
        return transition.new.severity is Severity.CRITICAL and before < Severity.CRITICAL
    critical = transition.new.severity is Severity.CRITICAL
    return bool(transition.mention) or (
        transition.visibility is Visibility.REPLY_BROADCAST
        and critical
        and transition.reason is not TransitionReason.REMINDED
    )


async def announce_lifted(uow: UnitOfWork, lifted: Sequence[LiftedMaintenance], channel: str, now: float) -> None:
    """Remove the maintenances that end early, and announce and audit why."""
    for each in lifted:
        held = each.silence
        await uow.silences.remove(held.id)
        await uow.outbox.put(MessageKey.silence(held.id, "lifted"), channel, maintenance_lifted(each))
        detail: dict[str, JsonValue] = {"silence": held.id, "rule": held.rule, "subject": held.subject}
        detail["text"] = lift_reason_text(each.reason)
        await uow.audit.append(AuditEntry(now, "", "silence.lifted", held.cluster, detail=detail))


async def announce_expired(
    uow: UnitOfWork, over: Sequence[Silence], alerts: Sequence[Alert], transitions: Sequence[Transition], channel: str
) -> None:
    """Remove the silences that are `over` and announce their end: in the threads of `alerts`, else in the channel.

    The end of a maintenance is always announced in the channel: it says if the host answers.
    """
    announced = _announced_in_threads(alerts, transitions)
    for silence in over:
        await uow.silences.remove(silence.id)
        if silence.scope is not None:
            now = {alert.key: alert for alert in (*alerts, *(transition.new for transition in transitions))}
            over_note = maintenance_over(ended_maintenance(silence, now.values()))
            await uow.outbox.put(MessageKey.silence(silence.id, "over"), channel, over_note)
        elif silence.id not in announced:
            since = await uow.alerts.recent(silence.created_at, silence.cluster)
            kept = [alert for alert in since if silence.id in alert.notes.silenced]
            await uow.outbox.put(MessageKey.silence(silence.id, "over"), channel, silence_over(silence, kept))


def _announced_in_threads(alerts: Sequence[Alert], transitions: Sequence[Transition]) -> set[int]:
    """The silences whose end an alert's thread announces: now, or as soon as a poll decides."""
    latest = {each.old.id: each.new for each in transitions if each.old is not None}
    calling = {AlertState.PENDING, AlertState.FIRING}
    return {
        alert.notes.muted.id
        for alert in alerts
        if alert.notes.muted is not None and latest.get(alert.id, alert).state in calling
    }

"""Carrying out transitions: alerts stored, and what a channel must see of them put into the outbox with them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.alerting.grouping import AlertGroup, ChannelHistory, GroupingLimits, due, listed
from bot.alerting.model import Severity
from bot.alerting.transition import LOUD, Tell, Transition, TransitionReason
from bot.views.alert_text.table import alert_text
from bot.views.alerts import card, line
from bot.views.digest import digest_card, digest_line, most_severe
from bot.watch.ports import WatchUnit


async def carry_out(
    uow: WatchUnit, moves: Sequence[Transition], before: ChannelHistory, after: ChannelHistory, limits: GroupingLimits
) -> None:
    """Store the alerts of one step and tell of them; `before` and `after` are what the channel was told lately."""
    stored = [await _stored(uow, move) for move in moves]
    for move in stored:
        await _tell_own(uow, move, after.channel)
    raging = before.storm
    ended = raging.slot if raging and raging != after.digest(raging.slot) and after.storm is None else ""
    after = await _tell_digests(uow, after, _by_digest(stored), ended, limits)
    if after != before:
        await uow.channels.put(after.channel, after.to_json())


async def tell(uow: WatchUnit, move: Transition, channel: str) -> None:
    """Tell of one stored transition that a person caused; also of one that a digest lists."""
    await _tell_own(uow, move, channel)
    if move.new.notes.group is not None:
        history = ChannelHistory.from_json(channel, await uow.channels.get(channel))
        told = await _tell_digests(uow, history, _by_digest([move]), "", GroupingLimits())
        if told != history:
            await uow.channels.put(channel, told.to_json())


async def end_storm(uow: WatchUnit, channel: str, now: float) -> bool:
    """End the storm of a channel that no cluster has any more; False when none rages there."""
    history = ChannelHistory.from_json(channel, await uow.channels.get(channel))
    storm = history.storm
    if storm is None:
        return False
    calm = history.with_digest(replace(storm, ended_at=now))
    told = await _tell_digests(uow, calm, {}, storm.slot, GroupingLimits())
    await uow.channels.put(channel, told.to_json())
    return True


async def _stored(uow: WatchUnit, move: Transition) -> Transition:
    if not move.new.open and move.new.id:
        await uow.silences.end_with(move.new.id)
    if move.new.id == 0 or move.old is None or move.new.version != move.old.version:
        return replace(move, new=await uow.alerts.save(move.new, alert_text(move.new)))
    await uow.alerts.touch(move.new, alert_text(move.new))
    return move


async def _tell_own(uow: WatchUnit, move: Transition, channel: str) -> None:
    """The alert's own message, and a line in its thread."""
    if move.tell is Tell.QUIET or move.new.notes.group is not None:
        return
    slot = f"alert:{move.new.id}"
    await uow.outbox.put(slot, channel, card(move.new))
    if not move.new.open:
        # What got worse and was not posted yet is over by now.
        await uow.outbox.overtaken(f"{slot}:line:", loud=True)
    if move.tell in {Tell.REPLY, Tell.REPLY_BROADCAST} or _was_muted(move):
        await uow.outbox.put(
            f"{slot}:line:{move.new.version}",
            channel,
            line(move),
            parent=slot,
            broadcast=move.tell is Tell.REPLY_BROADCAST,
        )


def _was_muted(move: Transition) -> bool:
    """Whether it is told only now because a silence kept it quiet: its thread says so."""
    return move.reason is TransitionReason.FIRED and move.old is not None and move.old.notes.muted is not None


def _by_digest(moves: Sequence[Transition]) -> Mapping[str, Sequence[Transition]]:
    """The moves that a digest tells of, by its slot: also of an alert that left it for a message of its own."""
    found: dict[str, list[Transition]] = {}
    for move in moves:
        slot = move.new.notes.group or (move.old.notes.group if move.old else None)
        if slot and move.tell is not Tell.QUIET:
            found.setdefault(slot, []).append(move)
    return found


async def _tell_digests(
    uow: WatchUnit,
    history: ChannelHistory,
    moves: Mapping[str, Sequence[Transition]],
    ended: str,
    limits: GroupingLimits,
) -> ChannelHistory:
    for slot in dict.fromkeys((*moves, ended)):
        digest = history.digest(slot)
        if digest is not None:
            choose = limits if slot == ended else None
            told = await _tell_digest(uow, history.channel, digest, moves.get(slot, ()), choose)
            history = history.with_digest(told) if told else history.without(slot)
    return history


async def _tell_digest(
    uow: WatchUnit, channel: str, digest: AlertGroup, moves: Sequence[Transition], choose: GroupingLimits | None
) -> AlertGroup | None:
    """Tell of the digest as it is now; None when all that it listed is over, and with it the digest.

    With the limits to `choose` by, its storm ends here: what is to get its own message is noted.
    """
    new = tuple(move.new.id for move in moves if move.reason is TransitionReason.FIRED)
    digest = replace(digest, ids=(*digest.ids, *new))
    alerts = await uow.alerts.some(digest.ids)
    left = listed(digest, alerts)
    if choose is not None:
        digest = replace(digest, due=due(left, choose))
    await uow.outbox.put(digest.slot, channel, digest_card(digest, alerts))
    said = [move for move in moves if move.tell in LOUD and move.new.notes.group is not None]
    if said:
        digest = replace(digest, lines=digest.lines + 1)
        slot = f"{digest.slot}:line:{digest.lines}"
        before = [alert for alert in alerts if alert.id not in new]
        shown = any(_shows(move, most_severe(before)) for move in said)
        await uow.outbox.put(slot, channel, digest_line(said), parent=digest.slot, broadcast=shown)
    return digest if digest.rages or left else None


def _shows(move: Transition, before: Severity) -> bool:
    """Whether the whole channel is to see the line: it calls somebody, or tells of something graver than before."""
    if move.reason is TransitionReason.FIRED:
        return move.new.severity is Severity.CRITICAL and before < Severity.CRITICAL
    critical = move.new.severity is Severity.CRITICAL
    return bool(move.mention) or (
        move.tell is Tell.REPLY_BROADCAST and critical and move.reason is not TransitionReason.REMINDED
    )

"""Silences whose time is over: each is told once, in the thread of what it muted or else in the channel."""

from collections.abc import Sequence

from bot.alerting.model import Alert, AlertState, Silence
from bot.alerting.transition import Transition
from bot.views.notes import silence_over
from bot.watch.ports import WatchUnit


async def tell_ended(
    uow: WatchUnit, over: Sequence[Silence], alerts: Sequence[Alert], moves: Sequence[Transition], channel: str
) -> None:
    """Forget the silences that are `over`; what they muted of `alerts` is told by `moves`, or when it can be judged."""
    told = _told_in_threads(alerts, moves)
    for silence in over:
        await uow.silences.remove(silence.id)
        if silence.id not in told:
            since = await uow.alerts.recent(silence.created_at, silence.cluster)
            kept = [alert for alert in since if silence.id in alert.notes.silenced]
            await uow.outbox.put(f"silence:{silence.id}:over", channel, silence_over(silence, kept))


def _told_in_threads(alerts: Sequence[Alert], moves: Sequence[Transition]) -> set[int]:
    """The silences of which an alert's thread tells: now, or as soon as it can be known whether it is still so."""
    moved = {move.old.id: move.new for move in moves if move.old is not None}
    calling = {AlertState.PENDING, AlertState.FIRING}
    return {
        alert.notes.muted.id
        for alert in alerts
        if alert.notes.muted is not None and moved.get(alert.id, alert).state in calling
    }

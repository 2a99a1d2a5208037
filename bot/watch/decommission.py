"""Close the alerts and silences of clusters that were removed from the settings."""

from collections.abc import Collection, Sequence

from bot.alerting.engine import withdrawn
from bot.alerting.model import Alert, AlertState, Silence
from bot.alerting.outcomes import NotWatched
from bot.common.errors import Conflict
from bot.common.message_key import MessageKey
from bot.store.database import Store
from bot.store.unit_of_work import UnitOfWork
from bot.views.alert_text.table import alert_text
from bot.views.notices import cluster_left
from bot.watch.folded_messages import first_of
from bot.watch.output_rows import put_outputs
from bot.watch.publisher import end_group, publish_one


async def close_gone(store: Store, clusters: Collection[str], channels: Collection[str], now: float) -> bool:
    """Close the alerts and silences of all other clusters; returns True if there were any. Raises StoreError.

    The alert groups of channels other than `channels` end too.
    """
    async with store.begin() as uow:
        alerts = [alert for alert in await uow.alerts.open() if alert.cluster not in clusters]
        silences = [held for held in await uow.silences.held(0.0) if held.cluster not in clusters]
        for name in dict.fromkeys([*(alert.cluster for alert in alerts), *(held.cluster for held in silences)]):
            own = [alert for alert in alerts if alert.cluster == name]
            await _close(uow, name, own, [held for held in silences if held.cluster == name], now)
        unused = [channel for channel in await uow.channel_histories.known() if channel not in channels]
        ended = [channel for channel in unused if await end_group(uow, channel, now)]
    return bool(alerts or silences or ended)


async def _close(
    uow: UnitOfWork, cluster: str, alerts: Sequence[Alert], silences: Sequence[Silence], now: float
) -> None:
    closed: dict[str, int] = {}
    for alert in alerts:
        channel = await _channel(uow, _key(await first_of(uow, alert) or alert))
        if channel and alert.notes.group is not None:
            # Same lock order as the watcher: the channel first.
            await uow.channel_histories.get(channel)
        transition = withdrawn(alert, now, NotWatched(cluster_left=True))
        await uow.alerts.save(transition.new, alert_text(transition.new))
        if not channel:
            await put_outputs(uow, [transition.new])
        if channel and alert.state is not AlertState.PENDING:
            await publish_one(uow, transition, channel)
            closed[channel] = closed.get(channel, 0) + 1
    for held in silences:
        if not await uow.silences.remove(held.id):
            raise Conflict(f"Silence {held.id} is gone: another replica closes what belongs to {cluster}.")
    quiet = {channel for held in silences if (channel := await _channel(uow, MessageKey.silence(held.id)))}
    for channel in (*closed, *(quiet - closed.keys())):
        note = cluster_left(cluster, closed.get(channel, 0), len(silences))
        await uow.outbox.put(MessageKey.left(cluster, channel, now), channel, note)


def _key(alert: Alert) -> MessageKey:
    """Return the key of the message that shows an alert that is not folded: its own or that of its group."""
    group = alert.notes.group
    return MessageKey.parse(group) if group else MessageKey.alert(alert.message_id)


async def _channel(uow: UnitOfWork, message_key: MessageKey) -> str:
    """Return the channel of the message, "" if there is none."""
    post = await uow.outbox.get(message_key)
    return post.channel if post else ""

"""A cluster that leaves the settings: its alerts are closed and told where they were told, its silences end."""

from collections.abc import Collection, Sequence

from bot.alerting.engine import withdrawn
from bot.alerting.model import Alert, AlertState, Silence
from bot.alerting.outcomes import NotWatched
from bot.store.database import Store
from bot.store.unit_of_work import UnitOfWork
from bot.views.alert_text.table import alert_text
from bot.views.notes import cluster_left
from bot.watch.publisher import end_storm, tell


async def close_gone(store: Store, clusters: Collection[str], channels: Collection[str], now: float) -> bool:
    """Close what is open of clusters other than these; returns whether anything was. Raises StoreError.

    The digest of a channel other than these `channels` ends: nothing comes into it any more.
    """
    async with store.begin() as uow:
        alerts = [alert for alert in await uow.alerts.open() if alert.cluster not in clusters]
        silences = [held for held in await uow.silences.active(0.0) if held.cluster not in clusters]
        for name in dict.fromkeys([*(alert.cluster for alert in alerts), *(held.cluster for held in silences)]):
            own = [alert for alert in alerts if alert.cluster == name]
            await _close(uow, name, own, [held for held in silences if held.cluster == name], now)
        unused = [channel for channel in await uow.channels.known() if channel not in channels]
        ended = [channel for channel in unused if await end_storm(uow, channel, now)]
    return bool(alerts or silences or ended)


async def _close(
    uow: UnitOfWork, cluster: str, alerts: Sequence[Alert], silences: Sequence[Silence], now: float
) -> None:
    told: dict[str, int] = {}
    for alert in alerts:
        channel = await _channel(uow, alert.notes.group or f"alert:{alert.id}")
        if channel and alert.notes.group is not None:
            # In the order in which the watch takes them: the channel first.
            await uow.channels.get(channel)
        move = withdrawn(alert, now, NotWatched(cluster_left=True))
        await uow.alerts.save(move.new, alert_text(move.new))
        if channel and alert.state is not AlertState.PENDING:
            await tell(uow, move, channel)
            told[channel] = told.get(channel, 0) + 1
    for held in silences:
        await uow.silences.remove(held.id)
    quiet = {channel for held in silences if (channel := await _channel(uow, f"silence:{held.id}"))}
    for channel in (*told, *(quiet - told.keys())):
        note = cluster_left(cluster, told.get(channel, 0), len(silences))
        await uow.outbox.put(f"left:{cluster}:{channel}:{int(now)}", channel, note)


async def _channel(uow: UnitOfWork, slot: str) -> str:
    """The channel in which the slot's message is, "" when there never was one or it is not kept any more."""
    post = await uow.outbox.get(slot)
    return post.channel if post else ""

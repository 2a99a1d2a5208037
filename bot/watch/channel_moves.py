"""Open alerts of a cluster whose alert channel was changed in the settings: announced in the new one, with a note."""

from collections import Counter
from dataclasses import replace

from bot.alerting.model import Alert, AlertState
from bot.common.message_key import MessageKey
from bot.leadership.ports import HoldCheck
from bot.store.database import Store
from bot.store.unit_of_work import UnitOfWork
from bot.views.alert_text.table import alert_text
from bot.views.notices import alerts_moved
from bot.watch.folded_messages import put_card


async def follow_channel(store: Store, cluster: str, channel: str, hold_check: HoldCheck, now: float) -> bool:
    """Move the messages of open alerts to the alert channel of the settings; True if any moved. Raises StoreError.

    What was posted stays in the old channel, where a note names the new one. An alert that a group's message listed
    there gets a separate message.
    """
    async with store.read() as uow:
        if not [alert for alert in await uow.alerts.open(cluster) if await _place(uow, alert, channel)]:
            return False
    async with store.begin() as uow:
        await hold_check(uow)
        left: Counter[str] = Counter()
        for alert in await uow.alerts.open(cluster):
            if old := await _place(uow, alert, channel):
                await _move(uow, alert, channel)
                left[old] += 1
        for old, moved in left.items():
            key = MessageKey.channel_left(cluster, old, now)
            await uow.outbox.put(key, old, alerts_moved(cluster, channel, moved))
    return bool(left)


async def _place(uow: UnitOfWork, alert: Alert, channel: str) -> str:
    """Return the other channel where the alert has its message, "" if it has none or that is in the right one."""
    if alert.state is AlertState.PENDING or alert.notes.folded is not None:
        return ""
    group = alert.notes.group
    if group is not None:
        listed_in = MessageKey.parse(group).group_channel or ""
        return listed_in if listed_in != channel else ""
    post = await uow.outbox.get(MessageKey.alert(alert.id))
    return "" if post is None or post.home == channel else post.home


async def _move(uow: UnitOfWork, alert: Alert, channel: str) -> None:
    if alert.notes.group is not None:
        own = replace(alert, notes=replace(alert.notes, group=None))
        await uow.alerts.touch(own, alert_text(own))
        await put_card(uow, own, channel)
        return
    key = MessageKey.alert(alert.id)
    post = await uow.outbox.get(key)
    if post is not None:
        await uow.fallback.move(key, away_from=post.channel, to=channel, home=channel)

"""Alerts for receivers outside Slack: put in the transaction that changes them."""

from collections.abc import Iterable, Sequence

from bot.alerting.model import Alert
from bot.alerting.receivers import Receiver
from bot.store.database import Store
from bot.store.unit_of_work import UnitOfWork
from bot.views.output_text import output_alert


async def put_outputs(uow: UnitOfWork, alerts: Iterable[Alert]) -> None:
    """Put what the receivers must know of stored alerts; of those that were never announced they hear nothing."""
    if uow.outputs.receivers:
        await uow.outputs.put([output_alert(alert) for alert in alerts if alert.fired_at])


async def reconcile(store: Store, receivers: Sequence[Receiver]) -> None:
    """Adopt the receivers of the settings: new ones get the open alerts, rows of removed ones are deleted.

    One that was away, and is back under its name, hears of the alerts that ended meanwhile. Raises StoreError.
    """
    store.receivers = tuple(receivers)
    async with store.begin() as uow:
        await uow.outputs.drop_others([each.name for each in receivers])
        if receivers:
            await put_outputs(uow, await uow.alerts.open())
            missed = await uow.outputs.unended()
            ended = await uow.alerts.some(missed)
            await put_outputs(uow, ended)
            await uow.outputs.drop({*missed} - {alert.id for alert in ended})

"""Alerts for receivers outside Slack: put in the transaction that changes them."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog

from bot.alerting.model import Alert, AlertState
from bot.alerting.receivers import Receiver
from bot.store.database import Store
from bot.store.unit_of_work import UnitOfWork
from bot.views.output_text import output_alert

log = structlog.get_logger(__name__)

LOOK_SECONDS = 60.0
"""Seconds after which the receivers of other replicas are read again."""
REPORT_SECONDS = 600.0
"""Seconds between two reports of the receivers of a replica."""
FRESH_SECONDS = 1800.0
"""Seconds for which alerts are put for a receiver that another replica reported."""
KEEP_SECONDS = 86400.0
"""Seconds without a report after which the rows of a receiver are deleted."""


async def put_outputs(uow: UnitOfWork, alerts: Iterable[Alert]) -> None:
    """Put what the receivers must know of stored alerts; of those that were never announced they hear nothing."""
    if uow.outputs.receivers:
        await uow.outputs.put([output_alert(alert) for alert in alerts if alert.fired_at])


async def reconcile(store: Store, receivers: Sequence[Receiver], started: Collection[str] = ()) -> None:
    """Adopt receivers: new ones get the open alerts.

    One that was away, and is back under its name, hears of the alerts that ended meanwhile. Those that `started` with
    new settings are sent again what they refused with the former ones. Raises StoreError.
    """
    store.receivers = tuple(receivers)
    if not receivers:
        return
    async with store.begin() as uow:
        seen = [alert.id for alert in await uow.alerts.open()]
        # Read again under the lock of their rows: another replica may have changed them meanwhile.
        await uow.outputs.lock(seen)
        await put_outputs(
            uow, [alert for alert in await uow.alerts.some(seen) if alert.state is not AlertState.RESOLVED]
        )
        missed = await uow.outputs.unended([each.name for each in receivers])
        ended = await uow.alerts.some(missed)
        await put_outputs(uow, ended)
        await uow.outputs.drop({*missed} - {alert.id for alert in ended})
        if started and (again := await uow.outputs.try_again(started)):
            log.info("outputs.again", receivers=sorted(started), alerts=again)


@dataclass(slots=True)
class ReceiversInUse:
    """The receivers of this replica, `own`, and those that others report: settings differ while they are rolled out.

    Alerts are put for all of them, whichever replica watches the cluster; each replica sends to its own. `alone` is
    true where no other process uses the database: a replica whose lease was late for a moment is still one. `older`
    is true while one runs that does not put alerts for receivers.
    """

    store: Store
    own: Sequence[Receiver]
    clock: Callable[[], float]
    alone: Callable[[], bool]
    older: Callable[[], bool] = lambda: False
    _looked_at: float = float("-inf")
    _reported_at: float = float("-inf")
    _adopted_at: float = float("-inf")
    _settled: bool = True

    async def adopt(self) -> None:
        """Report the receivers, and let them hear of what is open and what ended; once. Raises StoreError."""
        self._adopted_at, self._settled = self.clock(), False
        await self._look(self.clock())
        await reconcile(self.store, self.store.receivers, self._names)

    async def refresh(self) -> None:
        """Report the receivers and read those of others, now and then. Raises StoreError."""
        now = self.clock()
        if now - self._looked_at < LOOK_SECONDS:
            return
        await self._look(now)
        # Others may have put alerts without our receivers until they had read of them.
        late = not self._settled and now - self._adopted_at >= 2 * LOOK_SECONDS
        if self.own and (late or self.older()):
            await reconcile(self.store, self.store.receivers)
            self._settled = True

    async def _look(self, now: float) -> None:
        if self.own and now - self._reported_at >= REPORT_SECONDS:
            async with self.store.begin() as uow:
                own = {each.name: json.dumps(each.to_json(), sort_keys=True) for each in self.own}
                await uow.facts.report_receivers(own, now)
            self._reported_at = now
        others: tuple[Receiver, ...] = ()
        if not self.alone():
            async with self.store.read() as uow:
                others = tuple(self._others(await uow.facts.receivers(), now))
        if {each.name for each in others} != {each.name for each in self.store.receivers} - self._names:
            log.info("outputs.elsewhere", receivers=[each.name for each in others])
        self.store.receivers = (*self.own, *others)
        self._looked_at = now

    def _others(self, reported: Mapping[str, tuple[str, float]], now: float) -> Iterator[Receiver]:
        for name, (value, since) in sorted(reported.items()):
            if name not in self._names and value and now - since < FRESH_SECONDS:
                try:
                    yield Receiver.from_json(name, json.loads(value))
                except (ValueError, KeyError) as error:
                    # A kind of a later release: its replicas put alerts for it themselves.
                    log.debug("outputs.unknown_receiver", receiver=name, error=str(error))

    async def forget(self) -> None:
        """Delete the rows of receivers that no replica reported for a day. Raises StoreError."""
        now = self.clock()
        async with self.store.begin() as uow:
            reported = await uow.facts.receivers()
            # A release that reports nothing may have put them.
            unheard = await uow.outputs.named() - {*reported, *self._names}
            await uow.facts.report_receivers(dict.fromkeys(unheard, ""), now)
            over = {name for name, (_, since) in reported.items() if now - since >= KEEP_SECONDS} - self._names
            dropped = await uow.outputs.drop_receivers(over)
            await uow.facts.forget_receivers(over)
        if over:
            log.info("outputs.forgotten", receivers=sorted(over), rows=dropped)

    @property
    def _names(self) -> set[str]:
        return {each.name for each in self.own}

"""What people do about alerts: see what is open, acknowledge one, silence a rule for a while, lift a silence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.audit.chain import Entry
from bot.errors import Conflict, UserError
from bot.monitor.alert import Alert, AlertState, Silence
from bot.monitor.engine import acknowledge
from bot.monitor.rules import RULES
from bot.monitor.silences import EVERY_RULE
from bot.monitor.telling import tell
from bot.store.store import Store
from bot.views import attention as views

LONGEST_SILENCE = 7 * 86400.0
"""Seconds: who is still not to be woken after a week should mend the rule's thresholds instead."""
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Attention:
    """Implements commands.spec.AlertBook; `channels` are the alert channels. Raises StoreError, UserError."""

    store: Store
    wake: Callable[[], None]
    clock: Callable[[], float]
    channels: Mapping[str, str]

    async def open(self, cluster: str | None = None) -> tuple[Alert, ...]:
        """The alerts that were told and are not resolved, the gravest and then the oldest first."""
        async with self.store.read() as uow:
            found = await uow.alerts.open(cluster)
        told = [alert for alert in found if alert.state is not AlertState.PENDING]
        return tuple(sorted(told, key=lambda alert: (-alert.severity, alert.since)))

    async def acknowledge(self, alert_id: int, by: str) -> Alert:
        """Note who takes care of an alert; it is quiet from now on, until it gets worse."""
        for _ in range(_TRIES):
            try:
                return await self._acknowledge(alert_id, by)
            except Conflict:
                # The watch wrote the alert at the same moment: what it says now is acknowledged instead.
                continue
        raise UserError(f"Alert {alert_id} keeps changing just now. Try again.")

    async def _acknowledge(self, alert_id: int, by: str) -> Alert:
        async with self.store.begin() as uow:
            alert = await uow.alerts.get(alert_id)
            if alert is None or alert.cluster not in self.channels:
                raise UserError(f"There is no alert {alert_id}. /cm alerts lists what is open.")
            move = acknowledge(alert, by, self.clock())
            if move is None:
                raise UserError(f"Alert {alert_id} is {alert.state} already{_by_whom(alert)}.")
            if "digest" in alert.data:
                # In the order in which the watch takes them: the channel first.
                await uow.channels.get(self.channels[alert.cluster])
            await uow.alerts.save(move.new)
            await tell(uow, move, self.channels[alert.cluster])
            detail = {"alert": alert.id, "rule": alert.rule, "sentence": alert.sentence}
            await uow.audit.append(Entry(self.clock(), by, "alert.acknowledged", alert.cluster, detail=detail))
        self.wake()
        return move.new

    async def silence(self, cluster: str, rule: str, *, seconds: float, by: str, reason: str, key: str = "") -> Silence:
        """Mute a rule (or `*`, all that need not be named) of a cluster; it lifts by itself when things get worse.

        The cluster's alert channel is told, wherever it was typed; `key` is the inbound work that is done with it.
        """
        known = [EVERY_RULE, *(each.key for each in RULES)]
        if rule not in known:
            raise UserError(f"There is no rule {rule!r:.60}. Rules: {', '.join(known)}.")
        if not 0 < seconds <= LONGEST_SILENCE:
            raise UserError("A silence lasts at most 7 days, as in for=2h: after that look again.")
        now = self.clock()
        async with self.store.begin() as uow:
            held = await uow.silences.add(Silence(cluster, rule, "", now + seconds, by, reason, now))
            await uow.outbox.put(f"silence:{held.id}", self.channels[cluster], views.silenced(held))
            if key:
                await uow.inbound.done(key)
            await uow.audit.append(Entry(now, by, "silence.begun", cluster, detail=_detail(held)))
        self.wake()
        return held

    async def silences(self, cluster: str | None = None) -> tuple[Silence, ...]:
        """The silences that hold now, the first to end first."""
        async with self.store.read() as uow:
            return tuple(await uow.silences.active(self.clock(), cluster))

    async def unsilence(self, silence_id: int, by: str) -> Silence:
        """Lift a silence before its time; the cluster's alert channel is told."""
        async with self.store.begin() as uow:
            held = await uow.silences.get(silence_id)
            if held is None or held.until <= self.clock() or not await uow.silences.remove(silence_id):
                raise UserError(f"There is no silence {silence_id} any more. /cm silences lists what holds.")
            if channel := self.channels.get(held.cluster):
                await uow.outbox.put(f"silence:{held.id}:lifted", channel, views.lifted(held, by))
            await uow.audit.append(Entry(self.clock(), by, "silence.lifted", held.cluster, detail=_detail(held)))
        self.wake()
        return held


def _detail(held: Silence) -> Mapping[str, Any]:
    return {"silence": held.id, "rule": held.rule, "until": held.until, "reason": held.reason}


def _by_whom(alert: Alert) -> str:
    return f", by <@{alert.acked_by}>" if alert.state is AlertState.ACKNOWLEDGED else ""

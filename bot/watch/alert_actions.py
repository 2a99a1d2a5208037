"""AlertActions: list, acknowledge and silence alerts, and lift silences, for commands and buttons."""

from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.holding import MAX_HOLD, HoldRefusal, give_back, hold
from bot.alerting.maintenance import ended_maintenance, is_due
from bot.alerting.model import Alert, AlertState, MaintenanceScope, Silence
from bot.alerting.problems import (
    AlertContended,
    AlertIsOver,
    BadHoldLength,
    BadSilenceLength,
    HoldRefused,
    MaintenanceContended,
    NoSuchAlert,
    NoSuchRule,
    NoSuchSilence,
    SilencedLonger,
)
from bot.alerting.rules.table import RULES
from bot.alerting.silences import (
    EVERY_RULE,
    MAINTENANCE,
    MAX_SILENCE,
    Lifted,
    SilenceResult,
    covers,
    equal_to,
    extended,
    muted_under,
    mutes,
    overlap,
)
from bot.alerting.subjects import SubjectRefused, subject_of
from bot.alerting.topics import most_severe_first
from bot.alerting.transition import Transition
from bot.audit.chain import AuditEntry
from bot.common.errors import Conflict, Refused
from bot.common.frozen import frozen
from bot.common.message_key import MessageKey
from bot.store.database import Store
from bot.store.unit_of_work import UnitOfWork
from bot.views import alert_lists as views
from bot.views import maintenance_text
from bot.views.alert_text.table import alert_text
from bot.watch import hold_audit
from bot.watch.folded_messages import folded_of, hold_folded, put_card, shown_now, silence_folded
from bot.watch.publisher import publish_one
from bot.watch.silence_times import audit_detail

T = TypeVar("T")

_TRIES = 3


@frozen
class AlertActions:
    """Implements the alert port of commands; `channels` are the alert channels. Raises StoreError, Refused."""

    store: Store
    wake: Callable[[], None]
    clock: Callable[[], float]
    channels: Mapping[str, str]

    async def open(self, cluster: str | None = None) -> tuple[Alert, ...]:
        """The posted alerts that are not resolved, the most severe rule of the worst severity first."""
        async with self.store.read() as uow:
            return _posted(await uow.alerts.open(cluster))

    async def of_cluster(self, cluster: str) -> tuple[tuple[Alert, ...], tuple[Silence, ...]]:
        """What `open` and `silences` list of one cluster, read in one unit of work."""
        now = self.clock()
        async with self.store.read() as uow:
            alerts, held = await uow.alerts.open(cluster), await uow.silences.of_cluster(now, cluster)
        return _posted(alerts), tuple(each for each in held[0] if each.in_force(now))

    async def listed(self) -> tuple[Alert, ...]:
        """The posted alerts, and those that only a silence holds back, in the same order."""
        async with self.store.read() as uow:
            found = await uow.alerts.open()
        return tuple(sorted(filter(is_due, found), key=most_severe_first))

    async def alert(self, alert_id: int) -> Alert:
        """One alert of a configured cluster, open or not."""
        async with self.store.read() as uow:
            return _known(await uow.alerts.get(alert_id), alert_id, self.channels)

    async def shown_at(self, channel: str, ts: str) -> MessageKey | None:
        """The key of the alert, group or other thing whose message, or a reply to it, stands there; None for none."""
        async with self.store.read() as uow:
            found = await uow.outbox.key_at(channel, ts)
            return await shown_now(uow, found.root) if found is not None else None

    async def place_of(self, alert: Alert) -> tuple[str, str]:
        """The channel and the ts of the message that shows an alert, its own or its group's; ("", "") for none."""
        keys = [MessageKey.alert(alert.message_id)]
        if alert.notes.group is not None:
            keys.append(MessageKey.parse(alert.notes.group))
        async with self.store.read() as uow:
            for key in keys:
                found = await uow.outbox.get(key)
                if found is not None and found.ts:
                    return found.channel, found.ts
        return "", ""

    async def acknowledge(
        self, alert_id: int, by: str, *, seconds: float | None = None, take: bool = False, seen: str | None = None
    ) -> Alert:
        """Acknowledge an alert, for `seconds` or without an end; it stays quiet until it gets worse.

        With `take` an alert that another person holds is taken over. `seen` is the holder that a clicked button
        showed: Refused if another holds it now.
        """
        if seconds is not None and not 0 < seconds <= MAX_HOLD:
            raise Refused(BadHoldLength()).at("for")

        def decide(alert: Alert, now: float) -> Transition | HoldRefusal:
            until = None if seconds is None else now + seconds
            return hold(alert, by, now, until=until, take=take, seen=seen)

        return await _persistently(alert_id, lambda: self._held(alert_id, by, decide))

    async def give_back(self, alert_id: int, by: str, *, seen: str | None = None) -> Alert:
        """End the acknowledgement of `by`: the alert fires again for everyone."""
        return await _persistently(
            alert_id, lambda: self._held(alert_id, by, lambda alert, now: give_back(alert, by, now, seen=seen))
        )

    async def _held(self, alert_id: int, by: str, decide: Callable[[Alert, float], Transition | HoldRefusal]) -> Alert:
        async with self.store.begin() as uow:
            alert = _known(await uow.alerts.get(alert_id), alert_id, self.channels)
            now, channel = self.clock(), self.channels[alert.cluster]
            found = decide(alert, now)
            if alert.notes.group is not None:
                # Same lock order as the watcher: the channel first.
                await uow.channel_histories.get(channel)
            own = [found] if isinstance(found, Transition) else []
            for step in own:
                await uow.alerts.save(step.new, alert_text(step.new))
            folded = await hold_folded(uow, alert, decide, now, channel)
            if isinstance(found, HoldRefusal) and not folded:
                raise Refused(HoldRefused(alert_id, found, alert.acked_by))
            for step in own:
                await publish_one(uow, step, channel)
                await uow.audit.append(hold_audit.entry(step, by))
            for step in folded:
                await uow.audit.append(hold_audit.entry(step, by, first=alert.id))
        self.wake()
        return found.new if isinstance(found, Transition) else alert

    async def acknowledged_with(self, alert: Alert) -> tuple[Alert, ...]:
        """The alerts in the message of this one that the same person acknowledged."""
        async with self.store.read() as uow:
            folded = await folded_of(uow, alert)
        return tuple(each for each in folded if each.open and each.acked_by and each.acked_by == alert.acked_by)

    async def silence(
        self,
        cluster: str,
        rule: str,
        subject: str = "",
        *,
        seconds: float,
        by: str,
        reason: str,
        key: str = "",
        begins: float = 0.0,
    ) -> SilenceResult:
        """Mute a rule (or `*`, all that need not be named) of a cluster; it lifts by itself when things get worse.

        With a `subject` only the alert about that one is muted. It lasts `seconds` from `begins` (0: now). An equal
        silence that holds when it begins is extended; it raises Refused when that one lasts as long or longer.

        The cluster's alert channel is notified; `key` is the inbound work that this completes.
        """
        known = (EVERY_RULE, *(each.key for each in RULES))
        if rule not in known:
            raise Refused(NoSuchRule(rule, known))
        if not 0 < seconds <= MAX_SILENCE:
            raise Refused(BadSilenceLength())
        now, posted = self.clock(), await self.open(cluster)
        meant = subject_of(rule, subject, cluster, await self._state(cluster), posted)
        if isinstance(meant, SubjectRefused):
            raise Refused(meant).at("subject")
        async with self.store.begin() as uow:
            starts = max(now, begins)
            later = starts > now
            wanted = Silence(cluster, rule, meant, starts + seconds, by, reason, now, begins=starts if later else 0.0)
            wanted = replace(wanted, announced=not later)
            begun = await self._begin(uow, wanted, sum(covers(wanted, alert, starts) for alert in posted))
            await uow.outbox.put(_key(begun), self.channels[cluster], views.silenced(begun))
            if key:
                await uow.inbox.done(key)
        self.wake()
        return begun

    async def start_maintenance(
        self,
        cluster: str,
        scope: MaintenanceScope,
        *,
        seconds: float,
        by: str,
        reason: str,
        beside: Sequence[int] = (),
        key: str = "",
    ) -> SilenceResult:
        """Start the maintenance of a host, or extend the one in force; the cluster's alert channel is notified.

        `beside` are the ids of the other maintenances that the verdict knew. Raises Refused if another began since, or
        if the one in force lasts as long or longer.
        """
        if not 0 < seconds <= MAX_SILENCE:
            raise Refused(BadSilenceLength())
        now = self.clock()
        wanted = Silence(cluster, MAINTENANCE, scope.host, now + seconds, by, reason, now, scope=scope)
        async with self.store.begin() as uow:
            await uow.channel_histories.get(self.channels[cluster])  # the lock, before the others are compared
            for each in await uow.silences.active(now, cluster):
                if each.scope is not None and each.subject != scope.host and each.id not in beside:
                    raise Refused(MaintenanceContended(each.subject))
            held = await uow.alerts.open(cluster)
            mutes = sum(is_due(alert) and covers(wanted, alert, now) for alert in held)
            begun = await self._begin(uow, wanted, mutes)
            await uow.outbox.put(_key(begun), self.channels[cluster], maintenance_text.maintenance_started(begun))
            if key:
                await uow.inbox.done(key)
        self.wake()
        return begun

    async def muted(self) -> Mapping[int, int]:
        """Number of open alerts that each active silence mutes now, by its id."""
        now = self.clock()
        async with self.store.read() as uow:
            alerts = await uow.alerts.open()
            return {each.id: mutes(each, alerts, now) for each in await uow.silences.active(now)}

    async def _begin(self, uow: UnitOfWork, wanted: Silence, mutes: int | None = None) -> SilenceResult:
        """Store a silence, or extend the equal one in force; Refused when that one does not end before it."""
        # The lock of the channel: two who ask at the same moment see one another's silence.
        await uow.channel_histories.get(self.channels[wanted.cluster])
        now, known = wanted.created_at, await uow.silences.held(wanted.created_at, wanted.cluster)
        equal = equal_to(wanted, known, await uow.alerts.open(wanted.cluster))
        if equal is None:
            held = await uow.silences.add(wanted)
            await uow.audit.append(AuditEntry(now, held.by, "silence.begun", held.cluster, detail=audit_detail(held)))
            return SilenceResult(held, mutes)
        if equal.until >= wanted.until:
            raise Refused(SilencedLonger(equal, now))
        held = extended(equal, wanted)
        await uow.silences.extend(held)
        detail = {**audit_detail(held), "was": equal.until}
        await uow.audit.append(AuditEntry(now, held.by, "silence.extended", held.cluster, detail=detail))
        return SilenceResult(held, mutes, equal.until)

    async def _state(self, cluster: str) -> ClusterState:
        async with self.store.read() as uow:
            return await uow.cluster_states.get(cluster)

    async def silence_alert(self, alert_id: int, *, seconds: float | None, by: str, key: str) -> SilenceResult:
        """Silence one open alert, for None until it is resolved; its thread is notified.

        `key` is the inbound work that this completes.
        """
        return await _persistently(alert_id, lambda: self._silence_alert(alert_id, seconds, by, key))

    async def _silence_alert(self, alert_id: int, seconds: float | None, by: str, key: str) -> SilenceResult:
        now = self.clock()
        async with self.store.begin() as uow:
            alert = _known(await uow.alerts.get(alert_id), alert_id, self.channels)
            refuse_ended(alert)
            until = now + (MAX_SILENCE if seconds is None else min(seconds, MAX_SILENCE))
            ends_with = alert.id if seconds is None else 0
            wanted = Silence(
                alert.cluster, alert.rule, alert.subject, until, by, "", now, alert.weight, alert=ends_with
            )
            begun = await self._begin(uow, wanted)
            quiet = muted_under(begun.silence, alert)
            await uow.alerts.touch(quiet, alert_text(quiet))
            channel, parent = self.channels[alert.cluster], MessageKey.alert(alert.message_id)
            also = await silence_folded(uow, alert, replace(wanted, id=0), self._begin)
            await put_card(uow, quiet, channel)
            await uow.outbox.put(_key(begun), channel, views.silenced(begun, also), parent=parent)
            await uow.inbox.done(key)
        self.wake()
        return begun

    async def silences(self, cluster: str | None = None) -> tuple[Silence, ...]:
        """The silences that hold now, the first to end first."""
        async with self.store.read() as uow:
            return tuple(await uow.silences.active(self.clock(), cluster))

    async def planned(self, cluster: str | None = None) -> tuple[Silence, ...]:
        """The silences that begin later, the first to begin first."""
        now = self.clock()
        async with self.store.read() as uow:
            found = [each for each in await uow.silences.held(now, cluster) if each.begins > now]
        return tuple(sorted(found, key=lambda each: (each.begins, each.id)))

    async def unsilence(self, silence_id: int, by: str) -> Lifted:
        """Lift a silence early; the alert channel is notified, also of silences that still mute."""
        now = self.clock()
        async with self.store.begin() as uow:
            held = await uow.silences.get(silence_id)
            if held is None or held.until <= now or not await uow.silences.remove(silence_id):
                raise Refused(NoSuchSilence(silence_id))
            left = [
                each
                for each in await uow.silences.active(now, held.cluster)
                if overlap(each, held) and held.begins <= now
            ]
            lifted = Lifted(held, tuple(left), planned=held.begins > now)
            if channel := self.channels.get(held.cluster):
                note = views.lifted(lifted, by)
                if held.scope is not None:
                    note = maintenance_text.maintenance_over(
                        ended_maintenance(held, await uow.alerts.open(held.cluster)), by
                    )
                await uow.outbox.put(MessageKey.silence(held.id, "lifted"), channel, note)
            await uow.audit.append(AuditEntry(now, by, "silence.lifted", held.cluster, detail=audit_detail(held)))
        self.wake()
        return lifted


async def _persistently(alert_id: int, attempt: Callable[[], Awaitable[T]]) -> T:
    """Try again when the watch wrote the alert at the same moment: what it says now counts instead."""
    for _ in range(_TRIES):
        try:
            return await attempt()
        except Conflict:
            continue
    raise Refused(AlertContended(alert_id))


def _known(alert: Alert | None, alert_id: int, clusters: Container[str]) -> Alert:
    if alert is None or alert.cluster not in clusters:
        raise Refused(NoSuchAlert(alert_id))
    return alert


def refuse_ended(alert: Alert) -> None:
    """Raise Refused for an alert that is over: its old message may still show a button."""
    if not alert.open:
        raise Refused(AlertIsOver(alert.id, alert.state))


def _key(begun: SilenceResult) -> MessageKey:
    """Return the key of its message: an extended silence gets a new message, so that the channel notices it."""
    extended = (f"{begun.silence.until:.3f}",) if begun.was else ()
    return MessageKey.silence(begun.silence.id, *extended)


def _posted(alerts: Sequence[Alert]) -> tuple[Alert, ...]:
    """Those that were posted, the most severe first."""
    return tuple(sorted((each for each in alerts if each.state is not AlertState.PENDING), key=most_severe_first))

"""The sentry: notices that the watch of a cluster gets nothing done, and tells it once, as an alert like any other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import structlog

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.engine import Transition, step
from bot.alerting.grouping import ChannelHistory, weather
from bot.alerting.model import Alert
from bot.alerting.rules.base import Rule
from bot.alerting.rules.watchdog import WATCH_BLIND, PollTimes, blind_finding, patience
from bot.common.errors import Conflict, Fenced, StoreError
from bot.leadership.ports import Duty, Fence, all_of_it
from bot.watch.ports import WatchStore, WatchUnit
from bot.watch.publisher import carry_out
from bot.watch.watcher import Watch

log = structlog.get_logger(__name__)


class Watchdog:
    """Looks after the watches of this process; `blind` says since when (Unix seconds) each blind one saw nothing."""

    def __init__(self, watches: Mapping[str, Watch], store: WatchStore, *, wake: Callable[[], None]) -> None:
        self._watches, self._store, self._wake = watches, store, wake
        self._began = 0.0
        self._troubles: dict[str, str] = {}
        self.blind: Mapping[str, float] = {}

    def trouble(self, cluster: str, words: str) -> None:
        """Note what the schedule said of the watch of a cluster: the reason, where no look failed by itself."""
        self._troubles[cluster] = words

    def why(self, cluster: str) -> str:
        """Why the watch of a cluster is blind, as far as is known."""
        return self._watches[cluster].pulse.trouble or self._troubles.get(cluster, "")

    async def check(self, now: float, fence_for: Duty = all_of_it) -> None:
        """Find out who is blind of those that are ours to watch, and tell it.

        Raises StoreError: then `blind` is what this process alone knows.
        """
        self._began = self._began or now
        ours = {name: fence for name in self._watches if (fence := fence_for(name))}
        suspects = {name: since for name in ours if (since := self._suspected(self._watches[name], now))}
        seeing = self.blind.keys() - suspects.keys()
        for name in seeing:
            self._troubles.pop(name, None)
        confirmed: dict[str, float] = {}
        try:
            for name in suspects:
                if since := await self._blind(self._watches[name], now, ours[name]):
                    confirmed[name] = since
        except StoreError:
            self.blind = suspects
            raise
        self.blind = confirmed

    def _suspected(self, watch: Watch, now: float) -> float:
        rule = _rule(watch)
        done_at = watch.pulse.done_at or self._began
        limit = patience(rule, watch.watched.interval) if rule else float("inf")
        return done_at if now - done_at > limit else 0.0

    async def _blind(self, watch: Watch, now: float, fence: Fence) -> float:
        """Since when nobody sees this cluster, 0 when another process does; it is told with that."""
        rule, watched = _rule(watch), watch.watched
        assert rule is not None  # noqa: S101 - or it would not be suspected
        try:
            async with self._store.begin() as uow:
                await fence(uow)
                noted_at = ClusterState.from_json(await uow.memory.get(watched.cluster)).at
                observation = PollTimes(watch.pulse.done_at or self._began, noted_at, watched.interval)
                since = observation.blind_since(now, patience(rule, watched.interval))
                moves = await self._tell(uow, watch, rule, since, now) if since else ()
        except (Conflict, Fenced):
            # Another process told it at the same moment, or somebody acknowledged it.
            return 0.0
        if moves:
            log.warning(
                "watch.blind", cluster=watched.cluster, seconds=round(now - since), why=self.why(watched.cluster)
            )
            watch.recheck()
            self._wake()
        return since

    async def _tell(self, uow: WatchUnit, watch: Watch, rule: Rule, since: float, now: float) -> Sequence[Transition]:
        watched = watch.watched
        before = ChannelHistory.from_json(watched.channel, await uow.channels.get(watched.channel))
        held: list[Alert] = [alert for alert in await uow.alerts.open(watched.cluster) if alert.rule == rule.key]
        found = step(
            {rule.key: (blind_finding(rule, self.why(watched.cluster)),)},
            held,
            await uow.silences.active(now, watched.cluster),
            (rule,),
            now,
            cluster=watched.cluster,
            escalation=watched.escalation,
        )
        moves = [move if move.old else replace(move, new=replace(move.new, since=since)) for move in found]
        after, told = weather(before, moves, held, watched.limits, now)
        await carry_out(uow, told, before, after, watched.limits)
        return told


def _rule(watch: Watch) -> Rule | None:
    return next((rule for rule in watch.watched.rules if rule.key == WATCH_BLIND.key), None)

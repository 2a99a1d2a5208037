"""A stale watch is announced once, and again when polls succeed."""

from dataclasses import dataclass, field, replace

import pytest
from structlog.testing import capture_logs

from bot.alerting.escalation import Escalation
from bot.alerting.rules.thresholds import configure
from bot.clustermgr.models import Snapshot
from bot.common.errors import StoreError
from bot.watch.watchdog import Watchdog
from tests.support.observed_store import ObservedStore
from tests.support.watch_builders import disk, polled
from tests.support.watch_harness import World, with_disks

BLIND = "Critical in prod: cmbot cannot watch prod: every poll fails, so no alert of it is raised or resolved."


def broken(_: float) -> Snapshot:
    raise ValueError("a mistake of ours")


@dataclass
class Guarded(World):
    """A watched cluster with a sentry; `hangs` is a schedule that runs no look."""

    watchdog: Watchdog = field(init=False)
    hangs: bool = False

    def start(self) -> None:
        super().start()
        self.watchdog = Watchdog({"prod": self.watch}, self.store, wake=self._wake)

    async def ticks(self, count: int = 1, *, apart: float = 15) -> list[str]:
        before = len(self.store.posted)
        for _ in range(count):
            self.now += apart
            if not self.hangs:
                with capture_logs():
                    await self.watch.tick(self.now)
            if not self.store.down:
                await self.watchdog.check(self.now)
        return self.store.posted[before:]


@pytest.fixture
async def world(store: ObservedStore) -> Guarded:
    made = Guarded(store)
    assert await made.ticks(5) == []
    return made


async def test_stale_watch_fires_once_and_resolves(
    world: Guarded,
) -> None:
    world.see = broken
    assert await world.ticks(20) == [BLIND]
    assert "An unexpected ValueError: the log has the rest." in str(world.store.state.outbox["alert:1"][1]["blocks"])
    assert world.watchdog.stale.keys() == {"prod"}
    world.see = polled
    ended = "Resolved in prod after 5 min 15 s: cmbot polls prod successfully again."
    assert await world.ticks(3) == [ended, ended]
    assert world.watchdog.stale == {}


async def test_overload_that_stretches_the_interval_makes_no_cluster_blind(world: Guarded) -> None:
    world.watchdog = Watchdog({"prod": world.watch}, world.store, wake=world._wake, stretch=lambda _: 4.0)
    world.hangs = True
    assert await world.ticks(179, apart=1) == []
    assert await world.ticks(11, apart=1) == [BLIND]


async def test_stale_watch_fires_after_three_intervals(world: Guarded) -> None:
    world.hangs = True
    assert await world.ticks(60, apart=1) == []
    assert await world.ticks(31, apart=1) == [BLIND]


async def test_stale_watch_without_failures_names_the_scheduler(world: Guarded) -> None:
    world.hangs = True
    world.watchdog.record_schedule_error("prod", "it was due again while it was still running")
    await world.ticks(20)
    assert "due again while it was still running" in str(world.store.state.outbox["alert:1"][1]["blocks"])


async def test_stale_watch_escalates(world: Guarded) -> None:
    world.watched = replace(world.watched, escalation=Escalation("S0ONCALL", 300))
    world.start()
    world.hangs = True
    posted = await world.ticks(30)
    assert posted[0] == BLIND
    assert next(text for text in posted if "subteam" in text).startswith(
        "<!subteam^S0ONCALL> No acknowledgement for 5 min in prod: cmbot cannot watch prod"
    )


async def test_restart_resolves_a_stale_watch(world: Guarded) -> None:
    world.hangs = True
    await world.ticks(20)
    world.hangs, world.see = False, with_disks(disk(7))
    world.start()
    posted = await world.ticks(2)
    assert posted[0] == "Warning in prod: 1 disk of prod is broken."
    assert posted[1].startswith("Resolved in prod after")


async def test_stale_watch_is_announced_after_a_database_outage(world: Guarded) -> None:
    world.see = with_disks(disk(7))
    world.store.down = True
    assert await world.ticks(40) == []
    with pytest.raises(StoreError):
        await world.watchdog.check(world.now)
    assert world.watchdog.stale.keys() == {"prod"}
    world.store.down = False
    posted = await world.ticks(3)
    assert posted == [
        "Warning in prod: 1 disk of prod is broken.",
        "prod was not polled for 10 min, and cmbot could not post that. Polling works again.",
    ]


async def test_short_database_failure_is_not_announced(world: Guarded) -> None:
    world.store.down = True
    await world.ticks(3)
    world.store.down = False
    assert await world.ticks(10) == []


async def test_cluster_watched_by_another_replica_is_not_stale(world: Guarded) -> None:
    other = world.watch
    world.start()
    for _ in range(40):
        world.now += 15
        await other.tick(world.now)
        await world.watchdog.check(world.now)
    assert (world.store.posted, world.watchdog.stale) == ([], {})
    world.now += 15
    await world.watch.tick(world.now)
    assert world.store.posted == []


async def test_disabled_watchdog_announces_nothing(world: Guarded) -> None:
    rules = configure({"watch_blind": {"enabled": False}})
    world.watched = replace(world.watched, rules=rules)
    world.start()
    world.hangs = True
    assert await world.ticks(40) == []


async def test_watchdog_limit_can_be_set(world: Guarded) -> None:
    world.watched = replace(world.watched, rules=configure({"watch_blind": {"after": "10m"}}))
    world.start()
    world.hangs = True
    assert await world.ticks(35) == []
    assert await world.ticks(15) == [BLIND]


async def test_state_from_a_fast_clock_hides_no_stale_watch(world: Guarded) -> None:
    """Stored before the clock was set back and the process restarted: no process polls now."""
    world.hangs = True
    await world.store.edit_cluster_state("prod", at=world.now + 3600)
    assert await world.ticks(20) == [BLIND]

"""A watch that gets nothing done: the channel is told once, and once more when it sees again."""

from dataclasses import dataclass, field, replace

import pytest
from structlog.testing import capture_logs

from bot.alerting.escalation import Escalation
from bot.alerting.rules.thresholds import configure
from bot.clustermgr.models import Snapshot
from bot.common.errors import StoreError
from bot.watch.watchdog import Watchdog
from tests.support.watch_builders import disk, look
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
        before = len(self.store.told)
        for _ in range(count):
            self.now += apart
            if not self.hangs:
                with capture_logs():
                    await self.watch.tick(self.now)
            if not self.store.down:
                await self.watchdog.check(self.now)
        return self.store.told[before:]


@pytest.fixture
async def world() -> Guarded:
    made = Guarded()
    assert await made.ticks(5) == []
    return made


async def test_a_watch_whose_looks_fail_is_told_once_with_the_reason_and_once_when_it_sees_again(
    world: Guarded,
) -> None:
    world.see = broken
    assert await world.ticks(20) == [BLIND]
    assert "An unexpected ValueError: the log has the rest." in str(world.store.state.outbox["alert:1"][1]["blocks"])
    assert world.watchdog.blind.keys() == {"prod"}
    world.see = look
    ended = "Resolved in prod after 5 min 15 s: cmbot polls prod successfully again."
    assert await world.ticks(3) == [ended, ended]
    assert world.watchdog.blind == {}


async def test_it_is_told_after_three_intervals_and_a_minute_at_least(world: Guarded) -> None:
    world.hangs = True
    assert await world.ticks(60, apart=1) == []
    assert await world.ticks(31, apart=1) == [BLIND]


async def test_a_schedule_that_runs_no_look_is_the_reason_where_no_look_failed(world: Guarded) -> None:
    world.hangs = True
    world.watchdog.trouble("prod", "The look of its turn did not come: it was due again while it was still running.")
    await world.ticks(20)
    assert "due again while it was still running" in str(world.store.state.outbox["alert:1"][1]["blocks"])


async def test_a_blind_watch_calls_for_somebody_as_any_critical_alert(world: Guarded) -> None:
    world.watched = replace(world.watched, escalation=Escalation("S0ONCALL", 300))
    world.start()
    world.hangs = True
    told = await world.ticks(30)
    assert told[0] == BLIND
    assert next(text for text in told if "subteam" in text).startswith(
        "<!subteam^S0ONCALL> Not acknowledged for 5 min in prod: cmbot cannot watch prod"
    )


async def test_a_restart_ends_it_and_tells_what_changed(world: Guarded) -> None:
    world.hangs = True
    await world.ticks(20)
    world.hangs, world.see = False, with_disks(disk(7))
    world.start()
    told = await world.ticks(2)
    assert told[0] == "Warning in prod: 1 disk of prod is broken."
    assert told[1].startswith("Resolved in prod after")


async def test_what_could_not_be_told_while_the_database_was_down_is_told_after_it(world: Guarded) -> None:
    world.see = with_disks(disk(7))
    world.store.down = True
    assert await world.ticks(40) == []
    with pytest.raises(StoreError):
        await world.watchdog.check(world.now)
    assert world.watchdog.blind.keys() == {"prod"}
    world.store.down = False
    told = await world.ticks(3)
    assert told == [
        "Warning in prod: 1 disk of prod is broken.",
        "The watch of prod saw nothing for 10 min, and could not say so. It sees again.",
    ]


async def test_a_short_failure_of_the_database_is_not_told(world: Guarded) -> None:
    world.store.down = True
    await world.ticks(3)
    world.store.down = False
    assert await world.ticks(10) == []


async def test_a_cluster_that_another_process_watches_is_not_blind(world: Guarded) -> None:
    other = world.watch
    world.start()
    for _ in range(40):
        world.now += 15
        await other.tick(world.now)
        await world.watchdog.check(world.now)
    assert (world.store.told, world.watchdog.blind) == ([], {})
    world.now += 15
    await world.watch.tick(world.now)
    assert world.store.told == []


async def test_who_does_not_want_to_know_is_not_told(world: Guarded) -> None:
    rules = configure({"watch_blind": {"enabled": False}})
    world.watched = replace(world.watched, rules=rules)
    world.start()
    world.hangs = True
    assert await world.ticks(40) == []


async def test_the_limit_can_be_set(world: Guarded) -> None:
    world.watched = replace(world.watched, rules=configure({"watch_blind": {"after": "10m"}}))
    world.start()
    world.hangs = True
    assert await world.ticks(35) == []
    assert await world.ticks(15) == [BLIND]


async def test_a_note_from_a_clock_that_was_ahead_hides_no_blind_watch(world: Guarded) -> None:
    """Noted before the system clock was set back and the process started again: nobody sees now."""
    world.hangs = True
    world.store.state.memory["prod"] = {**world.store.state.memory["prod"], "at": world.now + 3600}
    assert await world.ticks(20) == [BLIND]

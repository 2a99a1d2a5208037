"""Repairs that people follow: the progress in the alert, /cm repairs, /cm tasks, and the schedulers behind them."""

import time
from collections.abc import AsyncIterator

import pytest

from bot.cli.demo import Demo, demo
from bot.operations.policy import PolicyMode
from bot.playground.clustermgr_sim import Timing
from tests.e2e.test_journey import STORAGE, alert, ask

pytestmark = pytest.mark.fast_time


@pytest.fixture
async def world() -> AsyncIterator[Demo]:
    """The demo, polled every 15 s as by default: work takes minutes; a unit leaves a disk every four seconds."""
    timing = Timing(election=0.4, refresh=15, collect=5, unit_move=4)
    async with demo(
        port=0, policies=PolicyMode.LOOSE, timing=timing, poll=15, example_ports=False, clock=time.time
    ) as parts:
        yield parts
        parts.slack.assert_no_violations()


async def test_repair_is_followed_in_place_until_it_is_done(world: Demo) -> None:
    cluster = world.clusters["prod"]
    await cluster.start_scheduler()
    cluster.break_disk(3)
    posted = await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    edited = await world.slack.wait_for(
        STORAGE, lambda m: m.ts == posted.ts and "units left; about" in m.full_text, timeout=300
    )
    assert "units a minute over the last" in edited.full_text
    listed = (await ask(world, "/cm repairs")).full_text
    assert "prod: 1 disk being repaired" in listed
    assert "units a minute over the last" in listed
    assert "1 of 1 scheduler answered" in listed
    assert "on: repairing 1 disk" in (await ask(world, "/cm tasks")).full_text
    assert "Units moved off it" in (await ask(world, "/cm disk 3")).full_text
    ended = await world.slack.wait_for(
        STORAGE, lambda m: m.ts == posted.ts and "Disk #3 of prod was repaired" in m.full_text, timeout=300
    )
    assert "Resolved after" in ended.full_text
    requests = {(seen.method, seen.path) for seen in cluster.scheduler_log}
    assert requests == {("GET", "/stats")}

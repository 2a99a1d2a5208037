"""Repairs that people follow: the progress in the alert, /cm repairs, /cm tasks, and the schedulers behind them."""

import pytest

from bot.cli.demo import Demo
from tests.e2e.test_journey import STORAGE, alert, ask

pytestmark = pytest.mark.fast_time


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
    assert "prod: 1 disk being repaired." in listed
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


async def test_cluster_without_a_scheduler_is_announced(world: Demo) -> None:
    cluster = world.clusters["prod"]
    cluster.data.services.clear()
    await world.slack.wait_for(STORAGE, alert("No scheduler of prod is registered", "firing"), timeout=900)
    assert "on, but no scheduler is registered" in (await ask(world, "/cm tasks")).full_text
    await cluster.start_scheduler()
    await world.slack.wait_for(STORAGE, lambda m: "The schedulers of prod answer again" in m.full_text, timeout=900)

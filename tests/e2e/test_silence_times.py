"""Silences that begin and end by themselves: planned by a person, and maintenance windows of the settings."""

import time
from datetime import UTC, datetime

import pytest

from bot.alerting.windows import Window
from bot.cli.demo import Demo
from tests.e2e.test_journey import ALICE, STORAGE, alert, ask

pytestmark = pytest.mark.fast_time


async def test_planned_silence_is_listed_begins_mutes_and_ends(world: Demo) -> None:
    """It is announced when it is made, when it begins, and when it ends; until then alerts are posted."""
    answer = await ask(world, "/cm silence disk_broken prod from=6s for=15s reason=replacing")
    assert "from <!date^" in answer.text
    assert "It mutes nothing before that; as of now no open alert would be muted." in answer.text
    listed = await ask(world, "/cm silences")
    assert listed.text == "Nothing is silenced. 1 silence planned."
    assert "begins in" in listed.full_text
    assert "(replacing)" in listed.full_text
    world.clusters["prod"].break_disk(5)
    posted = await world.slack.wait_for(STORAGE, alert("disk #5", "firing"))
    began = await world.slack.wait_for(STORAGE, lambda m: "began: `disk_broken` of prod is muted" in m.text)
    assert "It mutes 1 open alert now." in began.text
    held = await ask(world, "/cm silences")
    assert held.text == "1 silence in force."
    assert "It mutes 1 open alert now." in held.full_text
    await world.slack.wait_for(
        STORAGE, lambda m: m.thread_ts == posted.ts and "ended. Still firing" in m.text, timeout=30
    )
    assert (await ask(world, "/cm silences")).text == "Nothing is silenced."
    assert "silence begun" in (await ask(world, "/cm audit")).full_text


async def test_planned_silence_is_cancelled(world: Demo) -> None:
    await ask(world, '/cm silence disk_broken prod from="tomorrow 22:00" until="tomorrow 23:00"')
    answer = await ask(world, "/cm unsilence 1")
    assert answer.text.startswith("You cancelled the planned silence #1 of `disk_broken` of prod")
    assert (await ask(world, "/cm silences")).text == "Nothing is silenced."


async def test_typed_times_are_of_the_zone_of_the_cluster(world: Demo) -> None:
    """The demo has no time zone, so 22:00 is UTC; another zone may be typed behind it."""
    answer = await ask(world, "/cm silence disk_broken prod from=22:00 for=30m")
    at = datetime.fromtimestamp(float(answer.text.split("from <!date^")[1].split("^")[0]), UTC)
    assert (at.hour, at.minute) == (22, 0)
    answer = await ask(world, '/cm silence peer_down prod from="22:00 Asia/Shanghai" for=30m')
    at = datetime.fromtimestamp(float(answer.text.split("from <!date^")[1].split("^")[0]), UTC)
    assert (at.hour, at.minute) == (14, 0)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/cm silence disk_broken prod from=2020-01-01T00:00", "leave it out for a silence that begins now"),
        ("/cm silence disk_broken prod until=2020-01-01T00:00", "name a time ahead"),
        ("/cm silence disk_broken prod from=3h until=2h", "is not after from="),
        ("/cm silence disk_broken prod from=3h until=9d", "at most 7 days"),
        ("/cm silence disk_broken prod from=40d for=1h", "at most 31 days ahead"),
        ("/cm silence disk_broken prod for=1h until=22:00", "write one of them"),
        ("/cm silence disk_broken prod from=noon", "22:00"),
    ],
)
async def test_impossible_times_are_refused(world: Demo, line: str, words: str) -> None:
    refused = await ask(world, line)
    assert words in refused.text
    assert refused.only_for == ALICE
    assert (await ask(world, "/cm silences")).text == "Nothing is silenced."


async def test_maintenance_window_of_the_settings_mutes_and_is_listed(world: Demo) -> None:
    """It is under way now: what breaks is posted when a person lifts it early."""
    begins = datetime.fromtimestamp(time.time() - 60, UTC).time().replace(second=0, microsecond=0)
    own = Window("prod", "rolling restarts", tuple(range(7)), begins, 4 * 3600.0, "UTC", reason="weekly")
    watch = world.app.watches["prod"]
    object.__setattr__(watch.watched, "windows", (own,))
    object.__setattr__(world.app.dispatcher, "windows", {"prod": (own,)})
    began = await world.slack.wait_for(STORAGE, lambda m: m.text.startswith("Maintenance window `rolling restarts`"))
    assert "(weekly)" in began.text
    world.clusters["prod"].break_disk(5)
    listed = await ask(world, "/cm silences")
    assert "Maintenance windows of the settings" in listed.full_text
    assert "every day at" in listed.full_text
    assert "by the settings" in listed.full_text
    assert [m for m in world.slack.workspace.messages if alert("disk #5")(m)] == []
    assert "maintenance window `rolling restarts` until" in (await ask(world, "/cm stat prod")).full_text
    lifted = await ask(world, "/cm unsilence 1")
    assert "You lifted silence #1" in lifted.text
    await world.slack.wait_for(STORAGE, alert("disk #5", "firing"))

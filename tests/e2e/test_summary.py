"""Summaries, hand-overs and trends, by schedule and by command, as a workspace shows them."""

import pytest

from bot.cli.demo import Demo
from bot.runtime.jobs import catch_up, post_report
from tests.e2e.test_journey import ALICE, STORAGE, alert, ask

pytestmark = pytest.mark.fast_time


async def test_summary_is_posted_once(world: Demo) -> None:
    """One due time is posted once, with the status of every cluster, open alerts and a chart of the space."""
    world.clusters["prod"].break_disk(3)
    await world.slack.wait_for(STORAGE, lambda m: "disk #3" in m.full_text)
    job = next(job for job in world.app.report_jobs if job.kind == "summary")
    due_at = world.app.clock()
    for _ in range(2):
        await post_report(world.app, due_at, job)
    posted = await world.slack.wait_for(STORAGE, lambda m: "archive" in m.full_text and "prod" in m.full_text)
    assert "broken" in posted.full_text
    assert "growing by" in posted.full_text
    assert [block["title"] for block in posted.blocks if block["type"] == "data_visualization"] == [
        "Space used in the last 28 days"
    ]
    summaries = [m for m in world.slack.workspace.messages if m.text == posted.text]
    assert len(summaries) == 1


async def test_demo_start_posts_no_missed_summary(world: Demo) -> None:
    await catch_up(world.app)
    assert not [m for m in world.slack.workspace.messages if m.text.startswith(("Summary", "Hand-over"))]


async def test_hand_over_lists_owners_of_alerts(world: Demo) -> None:
    """The alert has no owner, then Alice; the scheduled hand-over shows the same."""
    world.clusters["prod"].break_disk(3)
    fired = await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    free = await ask(world, "/cm handover")
    assert "Not acknowledged" in free.full_text
    await world.slack.as_user(ALICE).click(STORAGE, fired.ts, "alert_ack")
    await world.slack.wait_for(STORAGE, lambda m: m.ts == fired.ts and "acknowledged by" in m.full_text)
    job = next(job for job in world.app.report_jobs if job.kind == "handover")
    await post_report(world.app, world.app.clock(), job)
    posted = await world.slack.wait_for(job.channel, lambda m: "Hand-over" in m.text)
    assert f"<@{ALICE}> since" in posted.full_text
    assert "1 alert open, acknowledged" in posted.full_text


async def test_summary_command_takes_one_cluster_or_all(world: Demo) -> None:
    world.clusters["prod"].break_disk(3)
    await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    said = (await ask(world, "/cm summary prod since=2d")).text
    assert said.startswith("Summary: prod is degraded. 1 alert is open.")
    assert (await ask(world, "/cm summary")).text.startswith("Summary of 2 clusters")
    assert "There is no cluster" in (await ask(world, "/cm summary pord")).text


async def test_trend_has_a_chart_and_text(world: Demo) -> None:
    """The history covers one month, with a gap of half a day and with added disks."""
    answer = await ask(world, "/cm trend 30d prod")
    assert {block["type"] for block in answer.blocks} >= {"data_visualization", "table"}
    for words in ("At this pace it is full in about", "The total size changed once", "Nothing was measured from"):
        assert words in answer.full_text
    assert "watching since" in (await ask(world, "/cm trend 90d archive")).full_text
    assert "7d, 30d or 90d" in (await ask(world, "/cm trend 8d")).text

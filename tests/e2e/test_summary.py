"""Summaries, hand-overs and trends, by the calendar and by command, as a workspace shows them."""

from bot.cli.demo import Demo
from bot.runtime.lifecycle import catch_up, summarise
from tests.e2e.test_journey import ALICE, STORAGE, alert, ask


async def test_a_summary_is_posted_once(world: Demo) -> None:
    """The same due time fires once; it tells the verdict of every cluster, what is open, and draws the space."""
    world.clusters["prod"].break_disk(3)
    await world.slack.wait_for(STORAGE, lambda m: "disk #3" in m.full_text)
    entry = next(entry for entry in world.app.entries if entry.kind == "summary")
    due_at = world.app.clock()
    for _ in range(2):
        await summarise(world.app, entry, due_at)
    told = await world.slack.wait_for(STORAGE, lambda m: "archive" in m.full_text and "prod" in m.full_text)
    assert "broken" in told.full_text
    assert "growing by" in told.full_text
    assert [block["title"] for block in told.blocks if block["type"] == "data_visualization"]
    summaries = [m for m in world.slack.workspace.messages if m.text == told.text]
    assert len(summaries) == 1


async def test_the_demo_begins_with_its_summaries_posted(world: Demo) -> None:
    """Nothing is made good at its start, whatever the time of day."""
    await catch_up(world.app)
    assert not [m for m in world.slack.workspace.messages if m.text.startswith(("Summary", "Hand-over"))]


async def test_a_hand_over_tells_who_has_what(world: Demo) -> None:
    """The alert is nobody's, and then Alice's; the same is posted by the calendar."""
    world.clusters["prod"].break_disk(3)
    told = await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    free = await ask(world, "/cm handover")
    assert "Nobody has these yet" in free.full_text
    await world.slack.as_user(ALICE).click(STORAGE, told.ts, "alert_ack")
    await world.slack.wait_for(STORAGE, lambda m: m.ts == told.ts and "acknowledged by" in m.full_text)
    entry = next(entry for entry in world.app.entries if entry.kind == "handover")
    await summarise(world.app, entry, world.app.clock())
    posted = await world.slack.wait_for(entry.channel, lambda m: "Hand-over" in m.text)
    assert f"<@{ALICE}> since" in posted.full_text
    assert "1 alert open, somebody has it" in posted.full_text


async def test_a_summary_by_command_is_of_one_cluster_or_of_all(world: Demo) -> None:
    world.clusters["prod"].break_disk(3)
    await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    assert (await ask(world, "/cm summary prod since=2d")).text == "Summary: prod is degraded. 1 alert is open."
    assert (await ask(world, "/cm summary")).text.startswith("Summary of 2 clusters")
    assert "There is no cluster" in (await ask(world, "/cm summary pord")).text


async def test_a_trend_is_drawn_and_told(world: Demo) -> None:
    """A month of history, half a day of it missing, with disks that were added."""
    told = await ask(world, "/cm trend 30d prod")
    assert {block["type"] for block in told.blocks} >= {"data_visualization", "table"}
    for words in ("At this pace it is full in about", "The size itself changed once", "Nothing was measured from"):
        assert words in told.full_text
    assert "watching since" in (await ask(world, "/cm trend 90d archive")).full_text
    assert "7d, 30d or 90d" in (await ask(world, "/cm trend 8d")).text

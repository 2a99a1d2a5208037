"""The summary by the calendar: posted once when it is due, whoever asks again."""

from bot.demo import Demo
from bot.service import summarise


async def test_a_summary_is_posted_once(world: Demo) -> None:
    """The same due time fires once; it tells the verdict of every cluster and what is open."""
    world.clusters["prod"].break_disk(3)
    await world.slack.wait_for("C0STORAGE", lambda m: "disk 3" in m.full_text)
    (entry,) = world.app.entries
    due_at = entry.latest(world.app.clock())
    assert due_at is not None
    for _ in range(2):
        await summarise(world.app, entry, due_at)
    told = await world.slack.wait_for("C0STORAGE", lambda m: "archive" in m.full_text and "prod" in m.full_text)
    assert "broken" in told.full_text
    summaries = [m for m in world.slack.workspace.messages if m.text == told.text]
    assert len(summaries) == 1

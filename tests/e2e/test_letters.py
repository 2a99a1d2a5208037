"""Messages that Slack refuses for good: seen by those who ask, and posted once the cause is mended."""

import pytest

from bot.cli.demo import Demo
from bot.common.message_key import MessageKey
from bot.interactions.message import Message as Content
from tests.e2e.test_journey import ALICE, DAVE, STORAGE, ask

pytestmark = pytest.mark.fast_time


async def test_a_message_that_slack_refused_is_listed_and_posted_once_the_cause_is_mended(world: Demo) -> None:
    """The bot was thrown out of the channel: /cm ops says so; once it is back, an admin lets it try again."""
    world.slack.faults.inject("error", method="chat.postMessage", code="is_archived")
    async with world.app.store.begin() as uow:
        await uow.outbox.put(MessageKey.parse("note:1"), STORAGE, Content("The lost note."))
    await world.app.outbox.settled(MessageKey.parse("note:1"), within=10)
    listed = await ask(world, "/cm ops")
    assert "1 message could not be posted" in listed.full_text
    assert "`is_archived`: The lost note." in listed.full_text
    assert "not an admin" in (await ask(world, "/cm ops retry", user=DAVE)).text
    assert "1 message will be posted once more" in (await ask(world, "/cm ops retry", user=ALICE)).text
    await world.slack.wait_for(STORAGE, lambda m: m.text == "The lost note.")
    await world.app.outbox.settled(MessageKey.parse("note:1"), within=10)
    assert "could not be posted" not in (await ask(world, "/cm ops")).full_text

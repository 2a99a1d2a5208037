"""Messages that Slack refuses for good are listed, and posted after a retry."""

import pytest

from bot.cli.demo import Demo
from bot.common.message_key import MessageKey
from bot.interactions.message import Message as Content
from tests.e2e.test_journey import ALICE, DAVE, STORAGE, ask

pytestmark = pytest.mark.fast_time


async def test_refused_message_is_listed_and_posted_on_retry(world: Demo) -> None:
    """The bot is removed from the channel: /cm ops lists the message; an admin retries it later."""
    world.slack.faults.inject("error", method="chat.postMessage", code="is_archived")
    async with world.app.store.begin() as uow:
        await uow.outbox.put(MessageKey.parse("note:1"), STORAGE, Content("The lost note."))
    await world.app.outbox.settled(MessageKey.parse("note:1"), within=10)
    listed = await ask(world, "/cm ops")
    assert "1 message could not be posted" in listed.full_text
    assert "`is_archived`: The lost note." in listed.full_text
    assert "not an admin" in (await ask(world, "/cm ops retry", user=DAVE)).text
    await world.slack.as_user(DAVE).click(STORAGE, listed.ts, "ops_retry")
    await world.slack.wait_for(STORAGE, lambda m: m.only_for == DAVE and "not an admin" in m.text, user=DAVE)
    await world.slack.as_user(ALICE).click(STORAGE, listed.ts, "ops_retry")
    await world.slack.wait_for(
        STORAGE, lambda m: m.only_for == ALICE and "1 message will be posted again" in m.text, user=ALICE
    )
    await world.slack.wait_for(STORAGE, lambda m: m.text == "The lost note.")
    await world.app.outbox.settled(MessageKey.parse("note:1"), within=10)
    assert "could not be posted" not in (await ask(world, "/cm ops")).full_text

"""Questions by mention, in a channel and in a thread, over real sockets."""

import pytest

from bot.cli.demo import Demo
from bot.playground.slack_sim import payloads
from bot.playground.slack_sim.delivery import EVENT
from bot.playground.slack_sim.workspace import Message

pytestmark = pytest.mark.fast_time

ALICE, BOB, DAVE = "U0ALICE", "U0BOB", "U0DAVE"
STORAGE, OPERATIONS = "C0STORAGE", "C0OPERATIONS"
PATIENCE = 40.0


async def asked(world: Demo, text: str, *, user: str = ALICE, thread_ts: str = "") -> Message:
    """Write a message that mentions cmbot, and return it."""
    ack = await world.slack.as_user(user).mention(STORAGE, text, thread_ts=thread_ts)
    assert not ack.error
    return next(m for m in reversed(world.slack.workspace.messages) if m.user == user)


async def answer(world: Demo, thread_ts: str, words: str, *, user: str = "") -> Message:
    """Wait for an answer of cmbot in a thread."""
    bot = world.slack.workspace.team.bot_user
    return await world.slack.wait_for(
        STORAGE,
        lambda m: m.user == bot and m.thread_ts == thread_ts and words in m.full_text and m.only_for == user,
        user=user or ALICE,
        timeout=PATIENCE,
    )


async def test_question_by_mention_is_answered_in_its_thread(world: Demo) -> None:
    """The state of the channel's cluster, for all to see, as one message."""
    question = await asked(world, "@cmbot stat prod")
    shown = await answer(world, question.ts, "prod")
    assert not shown.broadcast
    reply = await asked(world, "@cmbot: members?", thread_ts=question.ts)
    assert reply.thread_ts == question.ts
    await answer(world, question.ts, "peer")


async def test_question_in_a_thread_stays_there(world: Demo) -> None:
    first = world.slack.as_user(BOB).post(STORAGE, "prod is slow")
    await asked(world, "@cmbot clusters", thread_ts=first.ts)
    await answer(world, first.ts, "prod")


async def test_wrong_question_is_refused_only_to_its_author(world: Demo) -> None:
    first = world.slack.as_user(BOB).post(STORAGE, "prod is slow")
    await asked(world, "@cmbot statt prod", thread_ts=first.ts)
    shown = await answer(world, first.ts, "statt", user=ALICE)
    assert "stat" in shown.text


async def test_change_by_mention_is_offered_and_not_made(world: Demo) -> None:
    """The button runs the command as typed, for its author only; a missing argument opens the form."""
    question = await asked(world, "@cmbot task disable balance prod reason=rush")
    offer = await answer(world, question.ts, "/cm task disable balance prod reason=rush")
    assert await world.app.repository.recent(None, 5) == []
    await world.slack.as_user(BOB).click(STORAGE, offer.ts, "mention_run", confirmed=True)
    await world.slack.wait_for(
        STORAGE, lambda m: "asked for" in m.text and m.only_for == BOB, user=BOB, timeout=PATIENCE
    )
    await world.slack.as_user(ALICE).click(STORAGE, offer.ts, "mention_run", confirmed=True)
    await world.slack.wait_for(OPERATIONS, lambda m: "Operation #1, proposed" in m.full_text, timeout=PATIENCE)


async def test_change_without_its_argument_by_mention_offers_the_form(world: Demo) -> None:
    question = await asked(world, "@cmbot task disable reason=rush")
    offer = await answer(world, question.ts, "/cm task disable")
    await world.slack.as_user(ALICE).click(STORAGE, offer.ts, "mention_run")
    view = await world.slack.wait_for_view(lambda v: "submit" in v.content, user=ALICE, timeout=PATIENCE)
    assert "rush" in str(view.content), "what was given is filled in"


async def test_change_by_mention_of_a_viewer_is_refused_and_audited(world: Demo) -> None:
    question = await asked(world, "@cmbot task disable balance prod", user=DAVE)
    await world.slack.wait_for(
        STORAGE, lambda m: "not an operator" in m.text and m.only_for == DAVE, user=DAVE, timeout=PATIENCE
    )
    bot = world.slack.workspace.team.bot_user
    assert not [m for m in world.slack.workspace.replies(STORAGE, question.ts) if m.user == bot]


async def test_event_that_arrives_twice_is_answered_once(world: Demo) -> None:
    person = world.slack.as_user(ALICE)
    said = person.post(STORAGE, "@cmbot clusters")
    payload = payloads.event(world.slack.workspace, payloads.mention_json(world.slack.workspace, said))
    for retry in range(3):
        await person.delivery.deliver(EVENT, payload, retry)
    await answer(world, said.ts, "prod")
    await asked(world, "@cmbot version", thread_ts=said.ts)
    bot = world.slack.workspace.team.bot_user
    assert sum(m.user == bot for m in world.slack.workspace.replies(STORAGE, said.ts)) == 1


async def test_edits_programs_and_talk_about_the_bot_are_ignored(world: Demo) -> None:
    person, ws = world.slack.as_user(ALICE), world.slack.workspace
    said = person.post(STORAGE, "@cmbot clusters")
    inner = payloads.mention_json(ws, said)
    for other in ({"edited": {"user": ALICE, "ts": said.ts}}, {"bot_id": "B0OTHER"}, {"subtype": "bot_message"}):
        await person.send_event({**inner, **other})
    thanks = await asked(world, "thanks to @cmbot we are fine")
    question = await asked(world, "hello @cmbot clusters")
    await answer(world, question.ts, "prod")
    assert not ws.replies(STORAGE, said.ts)
    assert not ws.replies(STORAGE, thanks.ts)

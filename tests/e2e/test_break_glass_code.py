"""Break-glass with a code: typed in a form, used up, and found nowhere afterwards."""

import json
import re
import time
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from bot.cli.demo import Demo, demo
from bot.operations.policy import PolicyMode
from bot.permissions.one_time_codes import CodeKey, code_at, new_key, new_secret, step_of
from bot.playground.slack_sim.message import View
from bot.workflow.code_check import Enrolments
from tests.e2e.conftest import QUICK
from tests.e2e.test_operations import ALICE, BOB, CAROL, OPERATIONS, PATIENCE, STORAGE, card_with, click

pytestmark = pytest.mark.fast_time

KEY, SECRET = new_key(), new_secret()
LINE = "/cm leader transfer 3 force=yes reason=drill"


@pytest.fixture
async def world() -> AsyncIterator[Demo]:
    """The demo with a dead peer, and with a code for Alice."""
    async with demo(
        port=0, policies=PolicyMode.LOOSE, timing=QUICK, poll=0.5, example_ports=False, clock=time.time, code_key=KEY
    ) as parts:
        await Enrolments(parts.app.store, parts.app.clock).add(ALICE, CodeKey(KEY).seal(ALICE, SECRET))
        await parts.clusters["prod"].kill(3)
        yield parts
        parts.slack.assert_no_violations()


def code_of(world: Demo, ahead: int = 0) -> str:
    return code_at(SECRET, step_of(world.app.clock()) + ahead)


async def asked(world: Demo) -> View:
    """Wait for the form of the code."""
    return await world.slack.wait_for_view(
        lambda view: "proves that it is you" in view.full_text, user=ALICE, timeout=PATIENCE
    )


async def test_code_is_asked_for_and_used_up_before_the_card(world: Demo) -> None:
    alice = world.slack.as_user(ALICE)
    typed: list[str] = []
    with capture_logs() as logs:
        await alice.command(STORAGE, LINE)
        await asked(world)
        wrong = f"{(int(code_of(world)) + 1) % 1_000_000:06d}"
        ack = await alice.submit({"code:typed": wrong})
        assert "This code is wrong. 4 more tries" in str(ack.errors)
        right = code_of(world)
        typed += [wrong, right]
        ack = await alice.submit({"code:typed": right})
        assert not ack.errors
        card = await world.slack.wait_for(
            OPERATIONS, lambda m: "Operation #1, proposed" in m.full_text and not m.thread_ts, timeout=PATIENCE
        )
        await alice.command(STORAGE, LINE)
        await world.slack.wait_for_view(lambda view: "proves" in view.full_text, user=ALICE, timeout=PATIENCE)
        assert "used already" in str((await alice.submit({"code:typed": right})).errors)
        await click(world, card, BOB)
        await card_with(world, card, "(1 of 2 so far)")
        await click(world, card, CAROL)
        await world.clusters["prod"].until(
            lambda: bool(world.clusters["prod"].log.matching(method="POST", path="/leadership/transfer"))
        )
    async with world.app.store.read() as uow:
        tables = {
            name: [row async for page in uow.dump.pages(name) for row in page] for name in ("inbound", "audit", "posts")
        }
    actions = [row["action"] for row in tables["audit"]]
    assert [each for each in actions if each.startswith("code.")] == [
        *("code.enrolled", "code.refused", "code.accepted", "code.refused"),
    ]
    said = [m.full_text for channel in (STORAGE, OPERATIONS) for m in alice.sees(channel)]
    everything = json.dumps([tables, said, [str(line) for line in logs]], default=str)
    assert not re.search(rf"(?<![0-9]){right}(?![0-9])", everything)
    assert SECRET not in everything


async def test_form_of_a_change_asks_for_the_code_too(world: Demo) -> None:
    """The answer in the form has the button; the form turns into that of the code."""
    alice = world.slack.as_user(ALICE)
    await alice.command(STORAGE, "/cm do leader transfer")
    await world.slack.wait_for_view(lambda view: "field:force" in str(view.content), user=ALICE, timeout=PATIENCE)
    await alice.submit({"field:peer_id": "3", "field:reason": "drill", "field:force": "yes"})
    await world.slack.wait_for_view(
        lambda view: "Nothing was proposed yet" in view.full_text, user=ALICE, timeout=PATIENCE
    )
    assert await world.app.repository.recent(None, 5) == []
    await alice.click_view("break_glass_code")
    await asked(world)
    await alice.submit({"code:typed": code_of(world)})
    await world.slack.wait_for(OPERATIONS, lambda m: "Operation #1, proposed" in m.full_text, timeout=PATIENCE)


async def test_button_of_another_person_opens_no_form(world: Demo) -> None:
    """Slack opens no form: the answer has a button, for its author alone."""
    world.slack.faults.inject("error", method="views.open", code="expired_trigger_id", count=1)
    alice = world.slack.as_user(ALICE)
    await alice.command(STORAGE, LINE)
    answer = await world.slack.wait_for(
        STORAGE, lambda m: "Nothing was proposed yet" in m.full_text, user=ALICE, timeout=PATIENCE
    )
    await alice.click(STORAGE, answer.ts, "break_glass_code")
    await asked(world)
    assert await world.app.repository.recent(None, 5) == []

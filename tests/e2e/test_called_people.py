"""An operation calls who must act, tells its requester the result, and an approver that an approval is void."""

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.cli.demo import EXAMPLE, Demo, demo
from bot.operations.model import OpState
from bot.operations.policy import PolicyMode
from bot.operations.step_facts import LegacyWords
from bot.playground.slack_sim.workspace import Message
from tests.e2e.conftest import QUICK, without_policies
from tests.e2e.test_operations import (
    ALICE,
    BOB,
    CAROL,
    OPERATIONS,
    ask,
    card_with,
    click,
    only_op,
    propose,
    refused,
    reject,
)

pytestmark = pytest.mark.fast_time

POLICIES = """
policies:
  member_remove: {approvals: 2, call: S0ONCALL}
  leader_transfer: {approvals: 2, call: [S0ONCALL, U0BOB]}
  task_disable: {call: S0ONCALL}
operations: {notify: NOTIFY}
"""
CALL = "<!subteam^S0ONCALL>"


@pytest.fixture(params=["thread"])
def notify(request: pytest.FixtureRequest) -> str:
    """The way in which a requester hears of a result."""
    return str(request.param)


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, notify: str) -> AsyncIterator[Demo]:
    """The demo with policies that call people."""
    own = without_policies(EXAMPLE.read_text()).replace(
        "\nsummaries:", f"{POLICIES.replace('NOTIFY', notify)}\nsummaries:", 1
    )
    changed = tmp_path / "config.yaml"
    changed.write_text(
        re.sub(r"(?m)^  approvers:(.*\n    users: )\[U0ALICE, U0BOB\]", r"  approvers:\1[U0ALICE, U0BOB, U0CAROL]", own)
    )
    monkeypatch.setattr("bot.cli.demo.EXAMPLE", changed)
    async with demo(
        port=0, policies=PolicyMode.LOOSE, timing=QUICK, poll=0.5, example_ports=False, clock=time.time
    ) as parts:
        yield parts
        parts.slack.assert_no_violations()


async def in_thread(world: Demo, card: Message, words: str) -> Message:
    """Wait for the reply in the thread of a card that has these words."""
    return await world.slack.wait_for(OPERATIONS, lambda m: m.thread_ts == card.ts and words in m.text)


async def test_card_calls_the_approvers_and_its_result_the_requester(world: Demo) -> None:
    card = await propose(world, "/cm member remove 3 reason=drill")
    assert card.text.startswith(CALL)
    assert f"{CALL}: please decide." in card.full_text
    await click(world, card, BOB)
    half = await card_with(world, card, "(1 of 2 so far)")
    assert CALL in half.full_text
    await click(world, half, CAROL)
    done = await card_with(world, card, "Verified")
    assert CALL not in done.full_text
    announced = await in_thread(world, card, "Verified")
    assert announced.text.startswith("<@U0ALICE> ")
    assert CALL not in (await ask(world, "/cm op 1")).full_text


async def test_no_one_is_called_when_the_requester_may_confirm(world: Demo) -> None:
    card = await propose(world, "/cm task disable balance reason=drill")
    assert "<!subteam" not in card.full_text


async def test_void_approval_is_announced_and_the_next_card_calls_again(world: Demo) -> None:
    card = await propose(world, "/cm leader transfer 2 reason=drill")
    assert card.text.startswith(f"{CALL} <@U0BOB> ")
    await click(world, card, BOB)
    half = await card_with(world, card, "(1 of 2 so far)")
    await world.clusters["prod"].elect(3)
    await click(world, half, CAROL)
    await card_with(world, card, "Operation #2, proposed")
    void = await in_thread(world, card, "your approval is void")
    assert "<@U0BOB>: your approval is void." in void.text
    again = await in_thread(world, card, "Operation #2")
    assert again.text.startswith(CALL)


@pytest.mark.parametrize("notify", ["direct"], indirect=True)
async def test_requester_gets_a_direct_message(world: Demo) -> None:
    card = await propose(world, "/cm member remove 3 reason=drill")
    await reject(world, card, BOB)
    await card_with(world, card, "Rejected")
    said = await in_thread(world, card, "Rejected")
    assert not said.text.startswith("<@U0ALICE>")
    direct = await world.slack.wait_for("D0ALICE", lambda m: "Rejected" in m.text, user=ALICE)
    assert "Its card is in <#C0OPERATIONS>" in direct.text


async def test_reason_of_a_rejection_is_on_the_card_and_in_the_audit_log(world: Demo) -> None:
    card = await propose(world, "/cm member remove 3 reason=drill")
    await reject(world, card, BOB, "after the <audit>")
    done = await card_with(world, card, "Rejected")
    assert "*Rejected* by <@U0BOB>: after the &lt;audit&gt;. Nothing was sent" in done.full_text
    assert "<@U0BOB> rejected it: after the &lt;audit&gt;" in done.full_text
    async with world.app.store.read() as uow:
        [row] = [row for row in await uow.audit.range() if "reject" in row.action]
    assert "after the <audit>" in str(row)
    assert "is already rejected" in await refused(world, card, BOB, "op_reject")


async def test_admin_settles_by_the_button_of_the_card(world: Demo) -> None:
    card = await propose(world, "/cm member remove 3 reason=drill")
    running = await world.app.repository.move(await only_op(world), OpState.RUNNING, by=BOB)
    await world.app.repository.move(running, OpState.UNKNOWN, fact=LegacyWords("no answer"))
    unknown = await card_with(world, card, "Unknown")
    assert "admin" in await refused(world, unknown, BOB, "op_settle")
    await click(world, unknown, ALICE, "op_settle")
    await world.slack.wait_for_view(lambda view: "Settle operation #1" in str(view.content), user=ALICE)
    person = world.slack.as_user(ALICE)
    await person.submit({"card:outcome": "not-done", "card:reason": "the log shows nothing"})
    settled = await card_with(world, card, "settled as not done by an admin: the log shows nothing")
    assert "*Failed*" in settled.full_text

"""A switch for a time: it is listed until it goes back, a second one goes back to the first value of all."""

import pytest

from bot.cli.demo import Demo
from tests.e2e.test_operations import ALICE, ask, card_with, click, propose

pytestmark = pytest.mark.fast_time


async def test_pending_reversion_is_listed_and_another_time_names_its_card(world: Demo) -> None:
    card = await propose(world, '/cm task disable balance for=2h reason="quiet night"')
    dialog = str([block for block in card.blocks if block["type"] == "actions"])
    assert "only; then cmbot puts the old value back." in dialog, dialog
    assert "Reason: quiet night" in dialog
    assert card.full_text.count("proposed") == 1
    await click(world, card, ALICE)
    await card_with(world, card, " is turned back on ")
    assert "verified; goes back in " in (await ask(world, "/cm ops")).full_text
    assert "Operation #1 set it for a time." in (await ask(world, "/cm tasks")).full_text
    again = await ask(world, "/cm task disable balance for=4h")
    assert "by operation #1: *Extend* and *Keep* on its card in <#C0OPERATIONS> change that." in again.text


async def test_second_switch_for_a_time_goes_back_to_the_value_before_the_first(world: Demo) -> None:
    first = await propose(world, "/cm task disable balance for=2h")
    await click(world, first, ALICE)
    await card_with(world, first, " is turned back on ")
    second = await propose(world, "/cm task enable balance for=1h")
    await click(world, second, ALICE)
    await card_with(world, second, " is turned back on ")

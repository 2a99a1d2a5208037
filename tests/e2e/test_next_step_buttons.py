"""Buttons that open the form of the change that a runbook names, filled with what the alert tells."""

import pytest

from bot.cli.demo import Demo
from bot.playground.slack_sim.workspace import Message, View
from tests.e2e.test_alert_commands import buttons
from tests.e2e.test_journey import ALICE, DAVE, STORAGE, alert, ask

pytestmark = pytest.mark.fast_time

PROPOSE = "Propose the next step"


async def form_of(world: Demo, user: str, *words: str) -> View:
    """The open modal of a person once it has these words."""
    return await world.slack.wait_for_view(lambda view: all(word in view.full_text for word in words), user=user)


async def lost_peer(world: Demo) -> Message:
    """Stop a follower; return the alert about it."""
    await world.clusters["prod"].kill(2)
    return await world.slack.wait_for(STORAGE, alert("firing", "voter 2"), timeout=120)


async def test_runbook_of_a_lost_peer_opens_the_form_of_its_replacement(world: Demo) -> None:
    """The runbook modal becomes the form, which knows the lost peer; a viewer is refused in the modal."""
    posted = await lost_peer(world)
    alice = world.slack.as_user(ALICE)
    await alice.click(STORAGE, posted.ts, "alert_runbook")
    await form_of(world, ALICE, "Runbook of", PROPOSE)
    await alice.click_view("form:next")
    form = await form_of(world, ALICE, "Check and propose")
    assert "peer 2" in form.full_text
    dave = world.slack.as_user(DAVE)
    await dave.click(STORAGE, posted.ts, "alert_runbook")
    await form_of(world, DAVE, "Runbook of", PROPOSE)
    await dave.click_view("form:next")
    await form_of(world, DAVE, "not an operator")


async def test_button_of_a_typed_runbook_opens_the_form(world: Demo) -> None:
    """By the number of an alert, and by the name of a rule, which leaves the cluster to be chosen."""
    await lost_peer(world)
    number = (await ask(world, "/cm alerts")).full_text.split("#")[1].split("*")[0]
    shown = await ask(world, f"/cm runbook {number}")
    assert PROPOSE in buttons(shown)
    alice = world.slack.as_user(ALICE)
    await alice.click(STORAGE, shown.ts, "form:next")
    assert "peer 2" in (await form_of(world, ALICE, "Check and propose")).full_text
    by_name = await ask(world, "/cm runbook leader_flapping")
    assert PROPOSE in buttons(by_name)
    assert PROPOSE not in buttons(await ask(world, "/cm runbook volumes_low"))

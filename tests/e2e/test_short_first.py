"""Short answers first: the rest is behind a button, of the same poll or said to be newer."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from bot.chatops.modal_answer import DetailsMemory
from bot.cli.demo import Demo
from bot.interactions.events import Click
from bot.playground.slack_sim.workspace import Message
from tests.e2e.test_journey import ALICE, ARCHIVE, OPERATIONS, STORAGE, alert, ask, propose

pytestmark = pytest.mark.fast_time

DAVE = "U0DAVE"


def elements(message: Message) -> list[Mapping[str, Any]]:
    """The buttons of a message, those beside a paragraph too."""
    inside = [each for block in message.blocks for each in block.get("elements", ())]
    return [*inside, *(block["accessory"] for block in message.blocks if block.get("accessory"))]


def value(message: Message, action: str) -> str:
    """Value of a button."""
    return next(str(each["value"]) for each in elements(message) if each.get("action_id") == action)


async def test_stat_is_short_and_details_show_the_same_poll(world: Demo) -> None:
    short = await ask(world, "/cm stat")
    assert "prod is healthy" in short.full_text
    for figure in ("*Quorum*", "*Disks*", "*Space*", "3 of 3 hosts answered"):
        assert figure in short.full_text
    assert "*Peers*" not in short.full_text
    dave = world.slack.as_user(DAVE)
    await dave.click(STORAGE, short.ts, "details")
    shown = await world.slack.wait_for_view(lambda view: "*Peers*" in view.full_text, user=DAVE)
    assert "The same state as in the message" in shown.full_text
    for fact in ("term 1", "z0", "z2", "3 voters", "vote 1", "*Volumes*"):
        assert fact in shown.full_text


async def test_details_that_are_forgotten_are_read_again_and_say_so(world: Demo) -> None:
    short = await ask(world, "/cm stat")
    world.app.dispatcher.details = DetailsMemory(most=0)
    await world.slack.as_user(DAVE).click(STORAGE, short.ts, "details")
    shown = await world.slack.wait_for_view(lambda view: "*Peers*" in view.full_text, user=DAVE)
    assert "Newer than the message" in shown.full_text


async def test_details_that_an_earlier_process_did_not_show_are_a_private_message(world: Demo) -> None:
    short = await ask(world, "/cm stat")
    world.app.dispatcher.details = DetailsMemory(most=0)
    dave = world.slack.as_user(DAVE)
    click = Click("1.2.old", DAVE, STORAGE, "details", value(short, "details"), short.ts, dave._response_url(STORAGE))
    assert await world.app.dispatcher.accept(click)
    await world.app.dispatcher.resume()
    shown = await world.slack.wait_for(STORAGE, lambda m: m.only_for == DAVE and "*Peers*" in m.full_text, user=DAVE)
    assert "Newer than the message" in shown.full_text


async def test_details_of_a_hanging_cluster_open_at_once(world: Demo) -> None:
    """The modal is opened before its three seconds are over, and filled when the hosts were waited for."""
    short = await ask(world, "/cm stat")
    world.app.dispatcher.details = DetailsMemory(most=0)
    for node in (1, 2, 3):
        await world.clusters["prod"].pause(node)
    await world.slack.as_user(DAVE).click(STORAGE, short.ts, "details")
    await world.slack.wait_for_view(lambda view: "Reading prod" in view.full_text, user=DAVE)
    await world.slack.wait_for_view(lambda view: "none of its 3 hosts answered" in view.full_text, user=DAVE)


async def test_a_forged_details_button_runs_no_other_command(world: Demo) -> None:
    short = await ask(world, "/cm stat")
    dave = world.slack.as_user(DAVE)
    for of in ("task disable balance prod", "stat prod archive", "stat prod\nx", 7):
        await dave.force_click(short, "details", forged={"value": json.dumps({"of": of, "at": 1})})
    await world.slack.wait_for(STORAGE, lambda m: "belongs to no answer" in m.full_text, user=DAVE)
    assert world.slack.as_user(ALICE).sees(OPERATIONS) == []


async def test_typed_details_show_all_at_once(world: Demo) -> None:
    shown = (await ask(world, "/cm stat prod details=yes")).full_text
    assert "*Peers*" in shown
    assert "vote 1" in shown
    assert "[Details]" not in shown


async def test_stat_names_what_is_wrong_and_the_next_step(world: Demo) -> None:
    world.clusters["prod"].break_disk(3)
    await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    shown = (await ask(world, "/cm stat")).full_text
    assert "1 broken" in shown
    assert "*Next* (alert #1)" in shown


async def test_healthy_clusters_are_one_line(world: Demo) -> None:
    shown = await ask(world, "/cm clusters")
    while "Healthy: *prod* and *archive*" not in shown.full_text:
        shown = await ask(world, "/cm clusters")
    assert "Healthy: *prod* and *archive*" in shown.full_text
    await world.slack.as_user(DAVE).click(STORAGE, shown.ts, "details")
    full = await world.slack.wait_for_view(lambda view: "Verdict" in view.full_text, user=DAVE)
    assert "Term" in full.full_text


async def test_many_affected_things_are_behind_a_button(world: Demo) -> None:
    for disk in range(1, 9):
        world.clusters["prod"].break_disk(disk)
    posted = await world.slack.wait_for(STORAGE, alert("8 disks of prod are broken", "Show all"))
    number = json.loads(value(posted, "alert_all"))["alert"]
    assert posted.full_text.count("• ") == 5
    await world.slack.as_user(DAVE).click(STORAGE, posted.ts, "alert_all")
    shown = await world.slack.wait_for_view(lambda view: f"Alert #{number}" in view.full_text, user=DAVE)
    typed = await ask(world, f"/cm alert {number}")
    for disk in range(1, 9):
        assert f"disk #{disk} " in shown.full_text
        assert f"disk #{disk} " in typed.full_text
    assert typed.only_for == ALICE


async def test_card_shows_the_consequence_and_folds_the_passed_checks(world: Demo) -> None:
    card, _ = await propose(world, "/cm task disable balance")
    assert "*Consequence*" in card.full_text
    [folded] = [block for block in card.blocks if block["type"] == "container"]
    assert folded["is_collapsible"]
    assert folded["default_collapsed"]
    assert "passed" in str(folded["title"])


async def test_workspace_without_containers_gets_a_button_and_is_remembered(world: Demo) -> None:
    world.slack.faults.inject("error", method="chat.postMessage", code="invalid_blocks")
    card, _ = await propose(world, "/cm task disable balance")
    assert [block for block in card.blocks if block["type"] == "container"] == []
    await world.slack.as_user(DAVE).click(OPERATIONS, card.ts, "op_details")
    shown = await world.slack.wait_for_view(lambda view: "Operation #1" in view.full_text, user=DAVE)
    assert "passed" in shown.full_text
    await ask(world, "/cm task disable balance archive", channel=ARCHIVE)
    other = await world.slack.wait_for(ARCHIVE, lambda m: "*Waiting*" in m.full_text)
    assert [block for block in other.blocks if block["type"] == "container"] == []
    assert "op_details" in str(other.blocks)

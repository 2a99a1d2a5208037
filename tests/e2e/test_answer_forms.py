"""Forms about alerts, silences and operations, opened by a command that lacks an argument, over real sockets."""

import json
from collections.abc import Callable

import pytest

from bot.audit.query import ALL as EVERY_ROW
from bot.chatops.commands.registry import COMMANDS
from bot.chatops.forms.labels import TITLES
from bot.cli.demo import Demo
from bot.operations.model import OpState
from bot.operations.step_facts import LegacyWords
from bot.playground.slack_sim import payloads
from bot.playground.slack_sim.delivery import INTERACTION
from bot.playground.slack_sim.inputs import form_state
from bot.playground.slack_sim.message import View
from tests.e2e.test_forms import element, labels
from tests.e2e.test_journey import ALICE, BOB, DAVE, OPERATIONS, STORAGE, alert
from tests.e2e.test_mentions import answer, asked

pytestmark = pytest.mark.fast_time

PATIENCE = 60.0


async def seen(world: Demo, user: str, wanted: Callable[[View], bool]) -> View:
    """Wait for the person's modal to meet the condition."""
    return await world.slack.wait_for_view(wanted, user=user, timeout=PATIENCE)


def is_read(view: View) -> bool:
    return "⏳" not in view.full_text


async def opened(world: Demo, line: str, *, user: str = ALICE) -> View:
    """Type the command and return its form when it is read."""
    before = world.slack.workspace.modal(user)
    await world.slack.as_user(user).command(STORAGE, line)
    return await seen(world, user, lambda view: is_read(view) and (before is None or view.id != before.id))


async def private_answer(world: Demo, words: str, *, user: str = ALICE) -> None:
    """Wait for the answer in the channel, which this person alone sees."""
    await world.slack.wait_for(
        STORAGE, lambda m: words in m.full_text and m.only_for == user, user=user, timeout=PATIENCE
    )


async def broken_disk(world: Demo) -> None:
    world.clusters["prod"].break_disk(3)
    await world.slack.wait_for(STORAGE, alert("disk #3", "firing"), timeout=PATIENCE)


async def proposed(world: Demo, line: str, number: int) -> None:
    """Type a change, and wait for its card."""
    await world.slack.as_user(ALICE).command(STORAGE, line)
    await world.slack.wait_for(
        OPERATIONS, lambda m: f"Operation #{number}, proposed" in m.full_text and not m.thread_ts, timeout=PATIENCE
    )


async def test_every_change_without_its_argument_opens_its_form(world: Demo) -> None:
    """For each command that changes something and has a required argument, also with nothing to choose from."""
    lacking = [
        " ".join(command.path)
        for command in COMMANDS
        if command.changes and any(info.is_required() for info in command.args.typed().values())
    ]
    assert {"ack", "note", "silence", "op settle", "disk broken", "maintenance start"} <= set(lacking)
    for line in lacking:
        view = await opened(world, f"/cm {line}")
        assert view.content["title"]["text"] in {"Change a cluster", TITLES[line]}, line


async def test_alert_is_acknowledged_and_given_back_by_forms(world: Demo) -> None:
    """The alert is chosen from a list; the answer comes in the form and in the channel; an empty list says so."""
    assert "You hold no alert" in (await opened(world, "/cm unack")).full_text
    await broken_disk(world)
    view = await opened(world, "/cm ack for=2h")
    assert view.content["title"]["text"] == "Acknowledge an alert"
    assert view.content["submit"]["text"] == "Acknowledge"
    assert labels(view) == ["Alert", "Take it over", "For how long"], "neither a change nor a cluster is chosen"
    assert element(view, "field:for")["initial_value"] == "2h"
    [option] = element(view, "field:id")["options"]
    assert option["text"]["text"].startswith("#1 prod: ")
    assert option["description"]["text"].startswith("Warning for ")
    await world.slack.as_user(ALICE).submit({"field:id": "1"})
    await seen(world, ALICE, lambda view: "You acknowledged alert #1" in view.full_text)
    await private_answer(world, "You acknowledged alert #1")
    assert (await world.app.alert_actions.alert(1)).acked_by == ALICE
    assert "You hold every open alert" in (await opened(world, "/cm ack")).full_text
    view = await opened(world, "/cm ack", user=BOB)
    assert "another person holds it" in json.dumps(element(view, "field:id"))
    await world.slack.as_user(BOB).submit({"field:id": "1"})
    view = await seen(world, BOB, lambda view: "To take it over" in view.full_text)
    assert element(view, "field:id")["initial_option"]["value"] == "1", "a refused form keeps its fields"
    await world.slack.as_user(BOB).submit({"field:id": "1", "field:take": ["yes"]})
    await seen(world, BOB, lambda view: "You took over" in view.full_text)
    await opened(world, "/cm unack", user=BOB)
    await world.slack.as_user(BOB).submit({"field:id": "1"})
    await seen(world, BOB, lambda view: "gave back alert #1" in view.full_text)


async def test_form_of_an_alert_that_is_sent_twice_acts_once(world: Demo) -> None:
    await broken_disk(world)
    view = await opened(world, "/cm note")
    assert labels(view) == ["About", "Note"]
    person = world.slack.as_user(ALICE)
    state = form_state(view.blocks, {"field:about": "alert 1", "field:text": 'fan 3: "loud" & <hot>\nvendor comes'})
    for _ in range(2):
        await person.delivery.deliver(
            INTERACTION, payloads.view_submission(world.slack.workspace, person.user, view, state, [])
        )
    await seen(world, ALICE, lambda view: "Kept as a note on alert #1" in view.full_text)
    async with world.app.store.read() as uow:
        rows = [row for row in await uow.audit.newest(EVERY_ROW, limit=9) if row.action == "note.kept"]
    assert [json.loads(row.detail)["text"] for row in rows] == ['fan 3: "loud" & <hot>\nvendor comes']


async def test_rules_of_the_cluster_are_silenced_by_a_form(world: Demo) -> None:
    """Those with open alerts come first; another cluster has other ones, and keeps what was typed."""
    await broken_disk(world)
    view = await opened(world, "/cm silence for=30m reason=disks")
    assert labels(view)[:3] == ["Cluster", "Rule", "For how long"]
    assert element(view, "form:cluster")["initial_option"]["value"] == "prod", "the channel's default"
    options = element(view, "field:rule")["options"]
    assert options[0]["text"]["text"] == "disk_broken · 1 open alert"
    assert options[-1]["value"] == "*"
    assert element(view, "field:reason")["initial_value"] == "disks"
    assert "sends nothing to the cluster" in view.full_text
    await world.slack.as_user(ALICE).submit({"field:rule": "disk_broken"})
    await seen(world, ALICE, lambda view: "You silenced" in view.full_text)
    [silence] = await world.app.alert_actions.silences("prod")
    assert (silence.rule, silence.reason) == ("disk_broken", "disks")
    view = await opened(world, "/cm unsilence")
    [option] = element(view, "field:id")["options"]
    assert option["text"]["text"] == f"#{silence.id} prod: disk_broken"
    await world.slack.as_user(ALICE).submit({"field:id": str(silence.id)})
    await seen(world, ALICE, lambda view: "You lifted silence" in view.full_text)
    assert await world.app.alert_actions.silences("prod") == ()


async def test_given_values_survive_the_choice_of_the_cluster(world: Demo) -> None:
    """In a channel without a cluster it is chosen first."""
    person = world.slack.as_user(ALICE)
    await person.command("C0RANDOM", "/cm silence Peer_Down for=4h")
    view = await seen(world, ALICE, lambda view: "submit" in view.content)
    assert labels(view) == ["Cluster"]
    await person.click_view("form:cluster", value="prod")
    view = await seen(world, ALICE, lambda view: "Rule" in labels(view))
    assert element(view, "field:rule")["initial_option"]["value"] == "peer_down"
    assert element(view, "field:for")["initial_value"] == "4h"


async def test_operations_are_cancelled_rejected_and_settled_by_forms(world: Demo) -> None:
    """Each form lists what its person may end; a viewer may reject nothing, and is no admin."""
    assert "No operation waits that you may cancel" in (await opened(world, "/cm op cancel")).full_text
    await proposed(world, "/cm task disable balance", 1)
    view = await opened(world, "/cm op cancel")
    assert view.content["submit"]["text"] == "Cancel it"
    await world.slack.as_user(ALICE).submit({"field:id": "1"})
    await seen(world, ALICE, lambda view: "ancelled" in view.full_text)
    await proposed(world, "/cm task disable balance", 2)
    assert "you may reject" in (await opened(world, "/cm op reject", user=DAVE)).full_text
    view = await opened(world, "/cm op reject reason=later")
    assert element(view, "field:reason")["initial_value"] == "later"
    await world.slack.as_user(ALICE).submit({"field:id": "2"})
    await seen(world, ALICE, lambda view: "ejected" in view.full_text and is_read(view))
    await proposed(world, "/cm leader transfer 2", 3)
    op = (await world.app.repository.recent(None, 1))[0]
    running = await world.app.repository.move(op, OpState.RUNNING, by=BOB)
    await world.app.repository.move(running, OpState.UNKNOWN, fact=LegacyWords("no answer"))
    view = await opened(world, "/cm op settle 3")
    assert element(view, "field:id")["initial_option"]["value"] == "3", "what was given is filled in"
    assert labels(view) == ["Operation", "Outcome", "How that is known"]
    filled = {"field:outcome": "not-done", "field:reason": "the log shows nothing"}
    await world.slack.as_user(ALICE).submit(filled)
    await seen(world, ALICE, lambda view: "settled" in view.full_text.lower() and is_read(view))
    await world.slack.as_user(BOB).command(STORAGE, "/cm op settle")
    await seen(world, BOB, lambda view: "You are not an admin" in view.full_text)


async def test_form_of_an_alert_is_refused_to_a_viewer_and_audited(world: Demo) -> None:
    view = await opened(world, "/cm ack", user=DAVE)
    assert "You are not an operator" in view.full_text
    assert "submit" not in view.content
    await private_answer(world, "not an operator", user=DAVE)
    async with world.app.store.read() as uow:
        rows = await uow.audit.newest(EVERY_ROW, limit=5)
    assert [row.action for row in rows] == ["refused.command"]


async def test_acknowledgement_by_mention_offers_its_form(world: Demo) -> None:
    await broken_disk(world)
    question = await asked(world, "@cmbot ack")
    offer = await answer(world, question.ts, "/cm ack")
    await world.slack.as_user(ALICE).click(STORAGE, offer.ts, "mention_run")
    view = await seen(world, ALICE, lambda view: "submit" in view.content)
    assert view.content["title"]["text"] == "Acknowledge an alert"

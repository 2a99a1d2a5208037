"""Changes by forms, from /cm do and the Home tab, over real sockets."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.audit.query import ALL
from bot.cli.demo import Demo
from bot.interactions.events import Invocation, Submission
from bot.playground.slack_sim import payloads
from bot.playground.slack_sim.delivery import INTERACTION
from bot.playground.slack_sim.inputs import form_state
from bot.playground.slack_sim.message import View
from bot.playground.slack_sim.workspace import Message

pytestmark = pytest.mark.fast_time

ALICE, BOB, CAROL, DAVE = "U0ALICE", "U0BOB", "U0CAROL", "U0DAVE"
STORAGE, OPERATIONS = "C0STORAGE", "C0OPERATIONS"
PATIENCE = 40.0


async def seen(world: Demo, user: str, wanted: Callable[[View], bool]) -> View:
    """Wait for the person's modal to meet the condition."""
    return await world.slack.wait_for_view(wanted, user=user, timeout=PATIENCE)


async def opened(world: Demo, line: str = "/cm do task disable", *, user: str = ALICE) -> View:
    """Type the command and return the form when its fields are there."""
    before = world.slack.workspace.modal(user)
    await world.slack.as_user(user).command(STORAGE, line)
    return await seen(world, user, lambda view: "submit" in view.content and (before is None or view.id != before.id))


def labels(view: View) -> list[str]:
    return [block["label"]["text"] for block in view.blocks if block["type"] == "input"]


def element(view: View, action_id: str) -> Mapping[str, Any]:
    return next(b["element"] for b in view.blocks if b["type"] == "input" and b["element"]["action_id"] == action_id)


async def card(world: Demo, words: str) -> Message:
    return await world.slack.wait_for(OPERATIONS, lambda m: words in m.full_text and not m.thread_ts, timeout=PATIENCE)


def writes(world: Demo, path: str) -> list[Any]:
    return [json.loads(each.body) for each in world.clusters["prod"].log.matching(method="POST", path=path)]


async def test_form_switches_a_task_off(world: Demo) -> None:
    """The form lists the tasks with their states; its card equals that of a typed command."""
    view = await opened(world)
    assert element(view, "form:cluster")["initial_option"]["value"] == "prod", "the channel's default"
    offered = [option["text"]["text"] for option in element(view, "field:task")["options"]]
    assert any(text.startswith("balance · ") for text in offered)
    ack = await world.slack.as_user(ALICE).submit({"field:task": "balance", "field:for": "2h", "field:reason": "rush"})
    assert not ack.errors
    shown = await seen(world, ALICE, lambda view: "waits for" in view.full_text)
    assert "Operation #1" in shown.full_text
    message = await world.slack.wait_for(
        STORAGE, lambda m: "waits for" in m.text and m.only_for == ALICE, user=ALICE, timeout=PATIENCE
    )
    assert "|its card>" in message.text
    posted = await card(world, "Operation #1, proposed")
    assert "rush" in posted.full_text
    await world.slack.as_user(ALICE).click(OPERATIONS, posted.ts, "op_confirm", confirmed=True)
    await card(world, "Verified")
    assert writes(world, "/config/set") != []


async def test_force_field_is_shown_only_to_breakers(world: Demo) -> None:
    assert "Override refused checks" in labels(await opened(world, user=ALICE))
    assert "Override refused checks" not in labels(await opened(world, user=BOB))


async def test_form_keeps_the_reason_when_its_kind_changes(world: Demo) -> None:
    """The form lists the leader's peers; the reason stays in its field."""
    first = await opened(world)
    person = world.slack.as_user(ALICE)
    await person.click_view("form:kind", value="member remove", values={"field:reason": "disk lost"})
    view = await seen(world, ALICE, lambda view: "Member to remove" in labels(view))
    assert view.id == first.id
    offered = [option["text"]["text"] for option in element(view, "field:peer_id")["options"]]
    assert [text.split(" · ")[:2] for text in offered] == [
        ["peer 2", "voter"],
        ["peer 3", "voter"],
    ]
    held = {id_of(first, "field:reason"), id_of(view, "field:reason")}
    assert len(held) == 1, "Slack keeps what was typed under the same block id"


def id_of(view: View, action_id: str) -> str:
    return next(
        str(block["block_id"])
        for block in view.blocks
        if block["type"] == "input" and block["element"]["action_id"] == action_id
    )


async def test_form_shows_errors_at_their_fields(world: Demo) -> None:
    view = await opened(world, "/cm do member add")
    person = world.slack.as_user(ALICE)
    filled = {"field:peer_id": "0", "field:host": "10.0.0.4:10110"}
    ack = await person.submit(filled)
    assert list(ack.errors) == [id_of(view, "field:node")], "this release refuses a member without it"
    filled |= {"field:node": "10.0.0.4:9998"}
    ack = await person.submit(filled)
    assert list(ack.errors) == [id_of(view, "field:peer_id")]
    assert ack.errors[id_of(view, "field:peer_id")].startswith("Peer id 0 cannot be used")
    ack = await person.submit({**filled, "field:peer_id": "4", "field:host": "http://10.0.0.4:10110"})
    assert "must not have a scheme such as http://" in ack.errors[id_of(view, "field:host")]
    ack = await person.submit({**filled, "field:peer_id": "4", "field:node": "10.0.0.4"})
    assert "has no port" in ack.errors[id_of(view, "field:node")]
    view = await opened(world)
    ack = await person.submit({"field:task": "balance", "field:for": "soon"})
    assert "soon" in ack.errors[id_of(view, "field:for")]
    assert await world.app.repository.recent(None, 5) == []


async def test_change_without_an_argument_opens_its_form_filled(world: Demo) -> None:
    """What was given is in its field; a value that the form does not offer is named; others than operators see why."""
    view = await opened(world, "/cm member add 4 as=normal reason=growth")
    assert element(view, "form:kind")["initial_option"]["value"] == "member add"
    assert element(view, "form:cluster")["initial_option"]["value"] == "prod", "the channel's default"
    assert element(view, "field:peer_id")["initial_value"] == "4"
    assert element(view, "field:as")["initial_option"]["value"] == "normal"
    assert element(view, "field:reason")["initial_value"] == "growth"
    assert "initial_value" not in element(view, "field:host")
    view = await opened(world, "/cm member replace 9")
    assert 'Lost member cannot be "9"' in view.full_text
    await world.slack.as_user(DAVE).command(STORAGE, "/cm task disable")
    await seen(world, DAVE, lambda view: "You are not an operator" in view.full_text)


async def test_labels_are_words_and_no_names_of_arguments(world: Demo) -> None:
    view = await opened(world, "/cm do member add")
    assert labels(view)[2:6] == ["Raft number of the new node", "Raft address", "Service address", "Joins as"]
    assert not re.search(r"peer_id|dry_run|\w=", view.full_text)


async def test_refused_form_stays_open_with_its_fields_and_is_sent_again(world: Demo) -> None:
    """The refusal stands above the fields as they were filled; another choice is another change request."""
    await world.clusters["prod"].kill(2)
    first = await opened(world, "/cm do member remove prod")
    person = world.slack.as_user(ALICE)
    await person.submit({"field:peer_id": "3", "field:reason": "disk lost"})
    view = await seen(world, ALICE, lambda view: "refused, nothing was sent" in view.full_text)
    assert view.id == first.id
    assert "quorum" in view.full_text
    assert element(view, "field:peer_id")["initial_option"]["value"] == "3"
    assert element(view, "field:reason")["initial_value"] == "disk lost"
    assert writes(world, "/member/remove") == []
    for _ in range(2):
        await person.submit({"field:peer_id": "3"})
        view = await seen(world, ALICE, lambda held: held.hash != view.hash and "refused" in held.full_text)  # noqa: B023
    await person.submit({"field:peer_id": "2", "field:reason": "disk lost"})
    await seen(world, ALICE, lambda view: "waits for" in view.full_text)
    assert "disk lost" in (await card(world, "proposed")).full_text


async def test_checks_run_while_the_form_is_filled_in(world: Demo) -> None:
    """A choice shows what the preflight finds, another one replaces it; nothing is proposed or recorded."""
    await world.clusters["prod"].kill(2)
    first = await opened(world, "/cm do member remove prod")
    person = world.slack.as_user(ALICE)
    await person.click_view("field:peer_id", value="3", values={"field:reason": "disk lost"})
    view = await seen(world, ALICE, lambda view: "refused, nothing was sent" in view.full_text)
    assert view.id == first.id
    assert element(view, "field:reason")["initial_value"] == "disk lost"
    await person.click_view("field:peer_id", value="2")
    await seen(world, ALICE, lambda view: "it could be proposed" in view.full_text)
    assert await world.app.repository.recent(None, 5) == []
    await person.submit({"field:peer_id": "2"})
    await seen(world, ALICE, lambda view: "waits for" in view.full_text)


async def test_typed_fields_are_checked_while_they_are_typed(world: Demo) -> None:
    """Each character is reported; the newest text is checked after a pause, and an emptied field ends what was said."""
    first = await opened(world, "/cm do member add prod")
    for name in ("field:peer_id", "field:host", "field:node"):
        assert "on_character_entered" in element(first, name)["dispatch_action_config"]["trigger_actions_on"]
    assert "dispatch_action_config" not in element(first, "field:reason")
    person, held = world.slack.as_user(ALICE), {"field:peer_id": "4"}
    for length in range(5, 12):
        await person.click_view("field:host", value="10.0.0.4:10"[:length], values=held)
    view = await seen(world, ALICE, lambda view: "refused, nothing was sent" in view.full_text)
    assert view.id == first.id
    assert element(view, "field:host")["initial_value"] == "10.0.0.4:10"
    kinds = [block["type"] for block in view.blocks]
    assert kinds[: len(labels(view)) + 1].count("input") == len(labels(view)), "what is found moves no field"
    assert "checks passed" in view.full_text
    assert "✓ Peer id 4 is free" not in view.full_text
    await person.click_view("field:peer_id", value="", values={"field:host": "10.0.0.4:10110"})
    await seen(world, ALICE, lambda view: "Fill in the required fields" in view.full_text)
    assert await world.app.repository.recent(None, 5) == []


async def test_button_checks_typed_fields(world: Demo) -> None:
    await opened(world, "/cm do disk readonly prod")
    person = world.slack.as_user(ALICE)
    await person.click_view("form:check")
    await seen(world, ALICE, lambda view: "required fields" in view.full_text)
    await person.click_view("form:check", values={"field:id": "9999", "field:reason": "slow"})
    await seen(world, ALICE, lambda view: "9999" in view.full_text and "⏳" not in view.full_text)
    assert await world.app.repository.recent(None, 5) == []


async def test_form_dry_run_proposes_nothing(world: Demo) -> None:
    await opened(world, "/cm do leader transfer")
    await world.slack.as_user(ALICE).submit({"field:peer_id": "2", "field:dry_run": ["yes"]})
    view = await seen(world, ALICE, lambda view: "This was a dry run" in view.full_text)
    assert await world.app.repository.recent(None, 5) == []
    assert "initial_options" not in element(view, "field:dry_run"), "sent again, it is the change itself"
    assert element(view, "field:peer_id")["initial_option"]["value"] == "2"
    await world.slack.as_user(ALICE).submit()
    await seen(world, ALICE, lambda view: "waits for" in view.full_text)


async def test_form_of_a_viewer_is_refused_and_audited(world: Demo) -> None:
    await world.slack.as_user(DAVE).command(STORAGE, "/cm do")
    view = await seen(world, DAVE, lambda view: "You are not an operator" in view.full_text)
    assert "submit" not in view.content
    await world.slack.wait_for(STORAGE, lambda m: "not an operator" in m.text, user=DAVE, timeout=PATIENCE)
    async with world.app.store.read() as uow:
        rows = await uow.audit.newest(ALL, limit=5)
    assert [row.action for row in rows] == ["refused.command"]


async def test_form_submitted_twice_proposes_once(world: Demo) -> None:
    """A double click, or a payload that is replayed under a new trigger."""
    view = await opened(world)
    person = world.slack.as_user(ALICE)
    state = form_state(view.blocks, {"field:task": "balance"})
    for _ in range(2):
        payload = payloads.view_submission(world.slack.workspace, person.user, view, state, [])
        await person.delivery.deliver(INTERACTION, payload)
    await seen(world, ALICE, lambda view: "waits for" in view.full_text)
    assert len(await world.app.repository.recent(None, 5)) == 1


async def forged(world: Demo, view: View, values: Mapping[str, Any], **content: Any) -> Mapping[str, Any]:
    """Submit a tampered view and return the answer."""
    person = world.slack.as_user(ALICE)
    state = form_state(view.blocks, values)
    bad = replace(view, content={**view.content, **content})
    ack = await person.delivery.deliver(
        INTERACTION, payloads.view_submission(world.slack.workspace, person.user, bad, state, [])
    )
    answer = ack.payload
    assert isinstance(answer, Mapping)
    return answer


async def test_forged_form_is_refused_and_not_stored(world: Demo) -> None:
    view = await opened(world)
    sealed = str(view.content["private_metadata"])
    change_request = {"field:task": "balance"}
    for content in (
        {"private_metadata": ""},
        {"private_metadata": sealed.replace("C0STORAGE", "C0OTHER")},
        {"private_metadata": sealed.replace(ALICE, BOB)},
        {"private_metadata": "1.\ud800.{}"},
        {"callback_id": "cmbot_change:0"},
    ):
        answer = await forged(world, view, change_request, **content)
        assert answer["response_action"] == "update"
        assert "/cm do" in json.dumps(answer["view"])
    answer = await forged(world, view, {**change_request, "form:kind": "task enable"})
    assert "still being redrawn" in json.dumps(answer["errors"])
    assert await world.app.repository.recent(None, 5) == []


async def test_form_of_another_person_is_refused(world: Demo) -> None:
    view = await opened(world)
    bob = world.slack.as_user(BOB)
    state = form_state(view.blocks, {"field:task": "balance"})
    payload = payloads.view_submission(world.slack.workspace, bob.user, view, state, [])
    ack = await bob.delivery.deliver(INTERACTION, payload)
    assert "This form is not valid any more" in json.dumps(ack.payload)


async def test_form_of_a_silent_cluster_has_text_fields(world: Demo) -> None:
    cluster = world.clusters["prod"]
    for peer in (1, 2, 3):
        await cluster.kill(peer)
    view = await opened(world, "/cm do member remove prod")
    assert element(view, "field:peer_id")["type"] == "plain_text_input"
    assert "cannot be read now" in view.full_text


async def test_closed_form_is_answered_in_its_channel(world: Demo) -> None:
    await opened(world)
    person = world.slack.as_user(ALICE)
    await person.submit({"field:task": "balance"})
    await person.close_view()
    posted = await world.slack.wait_for(
        STORAGE, lambda m: "waits for" in m.text and m.only_for == ALICE, user=ALICE, timeout=PATIENCE
    )
    assert "Operation #1" in posted.text


# --- the Home tab


async def at_home(world: Demo, user: str, wanted: Callable[[View], bool] = lambda _: True) -> View:
    await world.slack.as_user(user).open_home()
    return await world.slack.wait_for_view(wanted, user=user, home=True, timeout=PATIENCE)


async def test_home_opens_the_form_and_lists_the_proposal(world: Demo) -> None:
    """The form shows the proposal; the tab then lists it with a link to its card."""
    await at_home(world, ALICE)
    person = world.slack.as_user(ALICE)
    await person.click_home("home:change:prod")
    view = await seen(world, ALICE, lambda view: "submit" in view.content)
    assert element(view, "form:cluster")["initial_option"]["value"] == "prod"
    await person.click_view("form:kind", value="task disable")
    await seen(world, ALICE, lambda view: "Background task" in labels(view))
    await person.submit({"field:task": "balance"})
    await seen(world, ALICE, lambda view: "waits for" in view.full_text)
    tab = await world.slack.wait_for_view(
        lambda view: "Operation #1" in view.full_text, user=ALICE, home=True, timeout=PATIENCE
    )
    assert "Open the card" in tab.full_text


async def test_closed_form_from_home_is_answered_by_direct_message(world: Demo) -> None:
    await at_home(world, ALICE)
    person = world.slack.as_user(ALICE)
    await person.click_home("home:change:prod")
    await seen(world, ALICE, lambda view: "submit" in view.content)
    await person.click_view("form:kind", value="task disable")
    await seen(world, ALICE, lambda view: "Background task" in labels(view))
    await person.submit({"field:task": "balance"})
    await person.close_view()
    direct = world.slack.workspace.open_im(ALICE).id
    await world.slack.wait_for(direct, lambda m: "waits for" in m.text, user=ALICE, timeout=PATIENCE)


async def test_home_of_a_viewer_has_only_the_status_button(world: Demo) -> None:
    tab = await at_home(world, DAVE)
    assert "Change…" not in tab.full_text
    assert "except `/cm audit`" in tab.full_text
    await world.slack.as_user(DAVE).click_home("home:status:prod")
    await seen(world, DAVE, lambda view: "prod is healthy" in view.full_text)


async def test_replacement_form_shows_its_plan_and_proposes_one_step(world: Demo) -> None:
    await world.clusters["prod"].kill(3)
    await opened(world, "/cm do member replace prod")
    filled = {"field:dead": "3", "field:new": "4", "field:host": "127.0.0.1:7999", "field:node": "127.0.0.1:7998"}
    ack = await world.slack.as_user(ALICE).submit(filled)
    assert not ack.errors
    view = await seen(world, ALICE, lambda view: "Replacing peer 3" in view.full_text)
    assert "Remove the lost peer 3" in view.full_text
    assert "waits for" in view.full_text


async def test_accepted_form_is_resumed_by_the_next_process(world: Demo) -> None:
    """An accepted form that was not processed is resumed by the sweep, also when its view is gone."""
    work = Submission(
        key="form:V0GONE",
        user=ALICE,
        channel="",
        response_url="",
        view_id="V0GONE",
        command="task disable",
        cluster="prod",
        values={"task": "balance"},
        text="task disable balance prod",
    )
    assert await world.app.dispatcher.accept(work)
    await world.app.dispatcher.resume()
    await card(world, "Operation #1, proposed")
    direct = world.slack.workspace.open_im(ALICE).id
    await world.slack.wait_for(direct, lambda m: "Operation #1" in m.text, user=ALICE, timeout=PATIENCE)


async def test_resumed_form_of_a_removed_cluster_is_refused(world: Demo) -> None:
    work = Submission("form:V1", ALICE, "", "", "V1", "task disable", "gone", {"task": "balance"}, "task disable")
    await world.app.dispatcher.execute(work)
    direct = world.slack.workspace.open_im(ALICE).id
    await world.slack.wait_for(direct, lambda m: 'no cluster "gone"' in m.text, user=ALICE, timeout=PATIENCE)


async def test_form_of_a_person_who_lost_the_role_is_refused(world: Demo) -> None:
    work = Submission("form:V1", DAVE, "", "", "V1", "task disable", "prod", {"task": "balance"}, "task disable")
    await world.app.dispatcher.execute(work)
    direct = world.slack.workspace.open_im(DAVE).id
    await world.slack.wait_for(direct, lambda m: "not an operator" in m.text, user=DAVE, timeout=PATIENCE)
    async with world.app.store.read() as uow:
        rows = await uow.audit.newest(ALL, limit=5)
    assert [row.action for row in rows] == ["refused.command"]


async def test_forged_home_button_is_refused_and_audited(world: Demo) -> None:
    """A viewer who sends an operator's button is refused in the form, and the audit log has it."""
    await at_home(world, DAVE)
    person = world.slack.as_user(DAVE)
    tab = world.slack.workspace.homes[DAVE]
    acted = {"type": "button", "action_id": "home:change:prod", "block_id": "b", "value": "prod", "action_ts": "1.1"}
    await person.delivery.deliver(INTERACTION, payloads.view_action(world.slack.workspace, person.user, tab, acted, {}))
    view = await seen(world, DAVE, lambda view: "not an operator" in view.full_text)
    assert "submit" not in view.content


async def test_expired_trigger_opens_nothing_and_says_so(world: Demo) -> None:
    """An expired or used trigger opens nothing, and the requester gets a hint."""
    trigger = world.slack.workspace.grants.new_trigger(ALICE)
    world.slack.workspace.grants.use_trigger(trigger)
    url = world.slack.as_user(ALICE)._response_url(STORAGE)
    await world.app.dispatcher.execute(Invocation(trigger, ALICE, STORAGE, "do", url))
    await world.slack.wait_for(STORAGE, lambda m: "did not open the form" in m.text, user=ALICE, timeout=PATIENCE)
    assert [wrong.rule for wrong in world.slack.workspace.violations] == ["exchanged_trigger_id"]
    world.slack.workspace.violations.clear()


async def test_form_starts_and_ends_a_maintenance(world: Demo) -> None:
    host = world.clusters["prod"].host(3).removeprefix("http://")
    view = await opened(world, "/cm do maintenance start")
    assert labels(view)[2:] == ["Host", "For how long", "Start although it is not safe", "Reason"]
    assert "posts a card" not in view.full_text
    await world.slack.as_user(ALICE).submit({"field:host": host, "field:for": "30m", "field:reason": "kernel"})
    shown = await seen(world, ALICE, lambda view: "maintenance of" in view.full_text)
    assert "started" in shown.full_text
    assert len(await world.app.alert_actions.silences("prod")) == 1
    await opened(world, "/cm do maintenance end")
    await world.slack.as_user(ALICE).submit({"field:host": host})
    await seen(world, ALICE, lambda view: "ended" in view.full_text or "ends" in view.full_text)
    assert await world.app.alert_actions.silences("prod") == ()


async def test_home_follows_an_alert_and_acknowledges_it(world: Demo) -> None:
    """The tab shows the alert without being opened again; its button is stored, and the message is edited."""
    await at_home(world, ALICE)
    world.clusters["prod"].break_disk(3)
    tab = await world.slack.wait_for_view(
        lambda view: "1 disk of prod is broken" in view.full_text and "its message" in str(view.content),
        user=ALICE,
        home=True,
        timeout=120.0,
    )
    pressed = next(e["action_id"] for b in tab.blocks if (e := b.get("accessory")) and "home:ack" in e["action_id"])
    await world.slack.as_user(ALICE).click_home(pressed)
    await world.slack.wait_for(
        STORAGE, lambda m: "acknowledged by" in m.full_text and not m.thread_ts, user=ALICE, timeout=PATIENCE
    )
    await world.slack.wait_for_view(
        lambda view: f"acknowledged by <@{ALICE}>" in view.full_text and "home:ack" not in str(view.content),
        user=ALICE,
        home=True,
        timeout=PATIENCE,
    )

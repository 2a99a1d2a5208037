"""Alerts are listed, acknowledged and silenced, and each of these ends in time."""

import asyncio

import pytest

from bot.alerting.cluster_state.state import ClusterNote
from bot.cli.demo import Demo
from bot.playground.slack_sim.workspace import Message
from tests.e2e.test_journey import ALICE, DAVE, STORAGE, alert, ask

pytestmark = pytest.mark.fast_time


def buttons(message: Message) -> list[str]:
    """Texts of a message's buttons."""
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return [element.get("text", element.get("placeholder"))["text"] for row in rows for element in row]


async def test_acknowledged_alert_fires_again_when_worse(world: Demo) -> None:
    """The message names who acknowledged it; a second broken disk ends the acknowledgement."""
    world.clusters["prod"].break_disk(3)
    posted = await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    await world.slack.as_user(ALICE).click(STORAGE, posted.ts, "alert_ack")
    acked = await world.slack.wait_for(STORAGE, lambda m: m.ts == posted.ts and "acknowledged by" in m.full_text)
    assert f"<@{ALICE}>" in acked.full_text
    assert "Acknowledge" not in buttons(acked)
    listed = await ask(world, "/cm alerts")
    assert f"acknowledged by <@{ALICE}>" in listed.full_text
    world.clusters["prod"].break_disk(4)
    worse = await world.slack.wait_for(STORAGE, lambda m: m.ts == posted.ts and "disk #4" in m.full_text)
    assert "acknowledged" not in worse.full_text


async def test_acknowledge_and_silence_by_viewer_are_refused(world: Demo) -> None:
    """A viewer's click and commands are refused by an ephemeral message and change nothing."""
    world.clusters["prod"].break_disk(3)
    posted = await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    await world.slack.as_user(DAVE).click(STORAGE, posted.ts, "alert_ack")
    refused = await world.slack.wait_for(STORAGE, lambda m: m.only_for == DAVE, user=DAVE)
    assert "not an operator" in refused.text
    assert "not an operator" in (await ask(world, "/cm silence disk_broken", user=DAVE)).text
    assert "No alert" not in (await ask(world, "/cm alerts")).text
    assert "Nothing is silenced" in (await ask(world, "/cm silences")).text


async def test_silenced_alert_is_posted_when_the_silence_is_lifted(world: Demo) -> None:
    """A disk that breaks under a silence is announced when the silence is lifted."""
    await ask(world, "/cm silence disk_broken prod for=2h reason=replacing", channel="C0RANDOM")
    posted = await world.slack.wait_for(STORAGE, lambda m: "silenced" in m.full_text)
    assert "replacing" in posted.full_text
    world.clusters["prod"].break_disk(5)
    listed = await ask(world, "/cm silences")
    assert "replacing" in listed.full_text
    before = [m for m in world.slack.workspace.messages if alert("disk #5")(m)]
    assert before == []
    number = listed.full_text.split("*")[3]
    assert "lifted" in (await ask(world, f"/cm unsilence {number}")).text
    await world.slack.wait_for(STORAGE, alert("disk #5"))
    noted = (await ask(world, "/cm audit")).full_text
    assert "silence begun" in noted
    assert "silence lifted" in noted


async def test_invalid_arguments_get_one_sentence(world: Demo) -> None:
    """Unknown ids, rules and durations get one sentence."""
    for line, words in (
        ("/cm ack 99", "no alert #99"),
        ("/cm ack x", "whole number"),
        ("/cm unsilence 99", "no silence #99"),
        ("/cm silence disk_brokn", "Did you mean disk_broken?"),
        ("/cm silence disk_broken for=9d", "7 days"),
        ("/cm silence disk_broken for=soon", "30m"),
    ):
        refused = await ask(world, line)
        assert words in refused.text, refused.text
        assert refused.only_for == ALICE


async def test_silence_of_one_subject_is_listed_with_it(world: Demo) -> None:
    """The silence and the list name the subject; the engine's tests cover which alerts it mutes."""
    answer = await ask(world, "/cm silence peer_down prod for=1h subject=3 reason=reboot")
    assert "`peer_down` (`3`) of prod" in answer.text
    assert "It mutes no open alert now." in answer.text
    listed = await ask(world, "/cm silences")
    assert "`peer_down` (`3`)" in listed.full_text


async def test_silence_of_all_rules_names_the_exceptions(world: Demo) -> None:
    answer = await ask(world, "/cm silence * prod for=1h")
    for spared in ("no_leader", "quorum_at_risk", "cluster_unreachable"):
        assert spared in answer.text


async def test_silence_of_unknown_subject_is_refused(world: Demo) -> None:
    for _ in range(200):
        if world.app.cluster_notes.get("prod", ClusterNote()).leader:
            break
        await asyncio.sleep(0.05)
    for line, words in (
        ("/cm silence peer_down prod subject='peer 3'", "Of prod these are known: 1, 2 and 3. Did you mean subject=3?"),
        ("/cm silence disk_broken prod subject=3", "has no subject: leave subject= out"),
        ("/cm silence no_leader prod subject=banana", "has no subject"),
    ):
        refused = await ask(world, line)
        assert words in refused.text, refused.text
    assert "Nothing is silenced." in (await ask(world, "/cm silences")).text

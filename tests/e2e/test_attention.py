"""What people do about alerts: list, acknowledge, silence; and that it lasts no longer than it should."""

import asyncio

from bot.cli.demo import Demo
from bot.playground.slack_sim.workspace import Message
from tests.e2e.test_journey import ALICE, DAVE, STORAGE, alert, ask


def buttons(message: Message) -> list[str]:
    """What can be clicked in a message."""
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return [element.get("text", element.get("placeholder"))["text"] for row in rows for element in row]


async def test_an_alert_is_acknowledged_by_its_button_and_wakes_again_when_worse(world: Demo) -> None:
    """The card names who takes care of it; a second broken disk takes that back."""
    world.clusters["prod"].break_disk(3)
    told = await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    await world.slack.as_user(ALICE).click(STORAGE, told.ts, "alert_ack")
    acked = await world.slack.wait_for(STORAGE, lambda m: m.ts == told.ts and "acknowledged by" in m.full_text)
    assert f"<@{ALICE}>" in acked.full_text
    assert "Acknowledge" not in buttons(acked)
    listed = await ask(world, "/cm alerts")
    assert f"<@{ALICE}> takes care of it" in listed.full_text
    world.clusters["prod"].break_disk(4)
    worse = await world.slack.wait_for(STORAGE, lambda m: m.ts == told.ts and "disk #4" in m.full_text)
    assert "acknowledged" not in worse.full_text


async def test_only_operators_acknowledge_and_silence(world: Demo) -> None:
    """A viewer's click and commands are refused, told to them alone, and change nothing."""
    world.clusters["prod"].break_disk(3)
    told = await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    await world.slack.as_user(DAVE).click(STORAGE, told.ts, "alert_ack")
    refused = await world.slack.wait_for(STORAGE, lambda m: m.only_for == DAVE, user=DAVE)
    assert "not an operator" in refused.text
    assert "not an operator" in (await ask(world, "/cm silence disk_broken", user=DAVE)).text
    assert "No alert" not in (await ask(world, "/cm alerts")).text
    assert "Nothing is silenced" in (await ask(world, "/cm silences")).text


async def test_a_silence_keeps_the_channel_quiet_until_it_is_lifted(world: Demo) -> None:
    """Silenced before it breaks: nothing is told; lifted: it is."""
    await ask(world, "/cm silence disk_broken prod for=2h reason=replacing", channel="C0RANDOM")
    told = await world.slack.wait_for(STORAGE, lambda m: "silenced" in m.full_text)
    assert "replacing" in told.full_text
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


async def test_what_cannot_be_is_one_sentence(world: Demo) -> None:
    """Unknown numbers, rules and times."""
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


async def test_one_subject_alone_is_silenced(world: Demo) -> None:
    """The silence names it, and so does the list; which alerts it covers is the engine's (tests/unit/monitor)."""
    told = await ask(world, "/cm silence peer_down prod for=1h subject=3 reason=reboot")
    assert "`peer_down` (`3`) of prod" in told.text
    assert "It mutes no open alert now." in told.text
    listed = await ask(world, "/cm silences")
    assert "`peer_down` (`3`)" in listed.full_text


async def test_a_silence_of_all_rules_names_what_it_spares(world: Demo) -> None:
    told = await ask(world, "/cm silence * prod for=1h")
    for spared in ("no_leader", "quorum_at_risk", "cluster_unreachable"):
        assert spared in told.text


async def test_a_subject_that_no_alert_has_is_refused(world: Demo) -> None:
    for _ in range(200):
        if world.app.noted.get("prod", {}).get("leader"):
            break
        await asyncio.sleep(0.05)
    for line, words in (
        ("/cm silence peer_down prod subject='peer 3'", "Of prod these are known: 1, 2, 3. Did you mean subject=3?"),
        ("/cm silence disk_broken prod subject=3", "has no subject: leave subject= out"),
        ("/cm silence no_leader prod subject=banana", "has no subject"),
    ):
        refused = await ask(world, line)
        assert words in refused.text, refused.text
    assert "Nothing is silenced." in (await ask(world, "/cm silences")).text

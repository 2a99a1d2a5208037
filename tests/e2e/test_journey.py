"""A person's journey: look, change, be alerted; what goes wrong on the way is told to the one it concerns."""

import json
from typing import Any

import pytest

from bot.cli.demo import Demo
from bot.playground.slack_sim.workspace import Message

ALICE, BOB, DAVE = "U0ALICE", "U0BOB", "U0DAVE"
STORAGE, OPERATIONS, ARCHIVE, RANDOM = "C0STORAGE", "C0OPERATIONS", "C0ARCHIVE", "C0RANDOM"


async def ask(world: Demo, line: str, *, user: str = ALICE, channel: str = STORAGE) -> Message:
    """Type a command and wait for its answer."""
    person = world.slack.as_user(user)
    before = {m.ts for m in person.sees(channel)}
    await person.command(channel, line)
    return await world.slack.wait_for(channel, lambda m: m.ts not in before and not m.metadata, user=user)


def alert(*words: str) -> Any:
    """A wanted alert: every word in it, and not a reply in its thread."""
    return lambda m: m.metadata and not m.thread_ts and all(word in m.full_text for word in words)


async def propose(world: Demo, line: str, **where: str) -> tuple[Message, Message]:
    """Type a changing command; returns (its card, what the requester was told)."""
    told = await ask(world, line, **where)
    channel = OPERATIONS if "archive" not in line else ARCHIVE
    return await world.slack.wait_for(channel, lambda m: "*Waiting*" in m.full_text), told


# --- looking


async def test_stat_says_how_the_cluster_is(world: Demo) -> None:
    """The verdict first, then leader, space, peers, disks, and who answered."""
    shown = (await ask(world, "/cm stat")).full_text
    assert "prod is healthy" in shown
    for fact in ("term 1", "TiB", "Writable", "z0", "z2", "3 voters", "3 of 3 hosts answered"):
        assert fact in shown


@pytest.mark.parametrize(
    ("line", "facts"),
    [
        ("/cm", ("/cm help", "/cm stat", "/cm whoami")),
        ("/cm help stat", ("/cm stat [cluster]", "For everyone")),
        ("/cm clusters", ("of 2 clusters", "prod", "archive")),
        ("/cm members", ("prod is healthy", "127.0.0.1:10110", "127.0.0.1:10112")),
        ("/cm disks", ("prod", "/data/disk1", "http://10.1.0.12:8899")),
        ("/cm disk 1", ("Disk 1 of prod", "/data/disk1", "TiB")),
        ("/cm tasks", ("prod has 9 background tasks", "disk_repair", "volume_inspect")),
        ("/cm whoami", (ALICE, "operator", "access.admins.users")),
    ],
)
async def test_every_reading_command_answers(world: Demo, line: str, facts: tuple[str, ...]) -> None:
    """None of them needs more than typing it."""
    answer = (await ask(world, line)).full_text
    assert [fact for fact in facts if fact not in answer] == []


async def test_a_cluster_is_named_or_meant_by_the_channel(world: Demo) -> None:
    """By name anywhere; by the channel's default; never by guessing."""
    assert "archive" in (await ask(world, "/cm stat archive")).text
    assert "archive" in (await ask(world, "/cm stat", channel=ARCHIVE)).text
    refused = await ask(world, "/cm stat", channel=RANDOM)
    assert "prod" in refused.text
    assert refused.only_for == ALICE


@pytest.mark.parametrize("killed", [(1,), (2, 3), (1, 2, 3)])
async def test_dead_nodes_are_named_and_nothing_hangs(world: Demo, killed: tuple[int, ...]) -> None:
    """Whatever is left answers; what does not is named."""
    cluster = world.clusters["prod"]
    for node in killed:
        await cluster.kill(node)
    shown = await ask(world, "/cm stat")
    for node in killed:
        assert cluster.host(node).removeprefix("http://") in shown.full_text


async def test_a_paused_host_does_not_hold_the_answer_up(world: Demo) -> None:
    """The answer comes within the deadline, and is completed in place once the host answers."""
    cluster = world.clusters["prod"]
    await cluster.pause(1)
    first = await ask(world, "/cm stat")
    assert "no answer" in first.full_text
    await cluster.resume(1)
    completed = await world.slack.wait_for(STORAGE, lambda m: m.ts == first.ts and "3 of 3 hosts" in m.full_text)
    assert "completed in place" not in completed.full_text


@pytest.mark.parametrize("line", ["/cm members", "/cm disks", "/cm disk 1", "/cm tasks", "/cm clusters", "/cm help"])
async def test_every_command_answers_though_every_host_hangs(world: Demo, line: str) -> None:
    """Acknowledged at once, answered with what is known; nothing waits for a host for ever."""
    for node in (1, 2, 3):
        await world.clusters["prod"].pause(node)
    assert (await ask(world, line)).text


# --- bad input


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/cm statt", "Did you mean /cm stat"),
        ("/cm stat nosuch", "no configured cluster"),
        ("/cm stat prod archive", "takes one cluster"),
        ("/cm disks status=broke", "broken"),
        ("/cm disks status=broken status=normal", "status"),
        ("/cm disks colour=red", "colour"),
        ("/cm disk", "id"),
        ("/cm disk -1", "id"),
        ("/cm task disable balence", "Did you mean balance"),
        ("/cm task disable", "task"),
        ("/cm task disable balance dev", "dev"),
        ("/cm stat " + "x" * 10_000, "10,005 characters"),
        ('/cm stat "unclosed', "quote"),
        ("/cm stat @bob", "U0BOB"),
    ],
)
async def test_bad_input_gets_one_sentence_for_its_sender(world: Demo, line: str, words: str) -> None:
    """One clear sentence, private, and the process lives on."""
    refused = await ask(world, line)
    assert refused.only_for == ALICE
    assert words in refused.text
    assert len(refused.text) < 1000
    assert "prod is healthy" in (await ask(world, "/cm stat")).text


async def test_hostile_text_from_a_cluster_stays_text(world: Demo) -> None:
    """A host that calls itself <!channel> wakes nobody."""
    world.clusters["prod"].rename_disk(5, host="<!channel> & <@U0BOB>", path="`*_~|")
    world.clusters["prod"].break_disk(5)
    told = await world.slack.wait_for(STORAGE, alert("disk #5"))
    listed = await ask(world, "/cm disks status=broken")
    for message in (told, listed):
        assert "<!channel>" not in json.dumps([message.text, *message.blocks])
        assert "<@U0BOB>" not in json.dumps([message.text, *message.blocks])


# --- changing


async def test_a_switch_is_turned_off_confirmed_and_read_back(world: Demo) -> None:
    """The card names cluster, task and value; one click, one request; the card says what is true now."""
    card, told = await propose(world, "/cm task disable balance reason=rush")
    assert OPERATIONS in told.full_text
    assert told.only_for == ALICE
    assert card.channel == OPERATIONS
    for fact in ("prod", "balance", '"true"', '"false"', "rush"):
        assert fact in card.full_text
    await world.slack.as_user(ALICE).click(OPERATIONS, card.ts, "op_confirm", confirmed=True)
    done = await world.slack.wait_for(OPERATIONS, lambda m: m.ts == card.ts and "Done and read back" in m.full_text)
    assert "balance is now off" in done.full_text
    assert f"<@{ALICE}>" in done.full_text
    assert not [block for block in done.blocks if block["type"] == "actions"]
    writes = world.clusters["prod"].log.matching(method="POST", path="/config/set")
    assert [json.loads(seen.body) for seen in writes] == [{"key": "balance", "value": "false"}]


async def test_a_v1_cluster_is_sent_its_own_words(world: Demo) -> None:
    """The same command, another release: Disable, as the manual says, and under its own key."""
    card, _ = await propose(world, "/cm task disable volume_inspect archive")
    await world.slack.as_user(ALICE).click(ARCHIVE, card.ts, "op_confirm", confirmed=True)
    await world.slack.wait_for(ARCHIVE, lambda m: m.ts == card.ts and "Done and read back" in m.full_text)
    (write,) = world.clusters["archive"].log.matching(method="POST", path="/config/set")
    assert json.loads(write.body) == {"key": "vol_inspect", "value": "Disable"}


async def test_only_an_operator_may_propose(world: Demo) -> None:
    """Dave may look, not change, and is told what to do about it; a member of the group may."""
    refused = await ask(world, "/cm task disable balance", user=DAVE)
    assert "not an operator" in refused.text
    assert refused.only_for == DAVE
    card, _ = await propose(world, "/cm task disable balance", user="U0CAROL")
    assert "U0CAROL" in card.full_text


async def test_a_second_click_does_nothing(world: Demo) -> None:
    """Clicked twice, and clicked again when all is over: one request."""
    card, _ = await propose(world, "/cm task disable balance")
    alice = world.slack.as_user(ALICE)
    button = next(e for block in card.blocks for e in block.get("elements", ()) if e.get("action_id") == "op_confirm")
    for _ in range(2):
        await alice.send_click(card, {**button, "block_id": "x"})
    await world.slack.wait_for(OPERATIONS, lambda m: m.ts == card.ts and "Done and read back" in m.full_text)
    await alice.send_click(card, {**button, "block_id": "x"})
    told = await world.slack.wait_for(OPERATIONS, lambda m: m.only_for == ALICE, user=ALICE)
    assert "no longer does anything" in told.text or "decided" in told.text
    assert len(world.clusters["prod"].log.matching(method="POST", path="/config/set")) == 1


@pytest.mark.parametrize("value", ["{}", "[]", '{"op":1}', '{"op":true,"v":1}', '{"op":99,"v":1}', "9" * 1900])
async def test_a_forged_button_is_refused(world: Demo, value: str) -> None:
    """Whatever a payload claims, nothing is sent, and the one who clicked is told."""
    card, _ = await propose(world, "/cm task disable balance")
    forged = {"type": "button", "action_id": "op_confirm", "block_id": "x", "value": value}
    await world.slack.as_user(ALICE).send_click(card, forged)
    told = await world.slack.wait_for(OPERATIONS, lambda m: m.only_for == ALICE, user=ALICE)
    assert told.text
    assert not world.clusters["prod"].log.matching(method="POST", path="/config/set")


async def test_the_same_command_delivered_twice_proposes_once(world: Demo) -> None:
    """Slack may hand an envelope over twice."""
    world.slack.faults.inject("duplicate")
    await propose(world, "/cm task disable balance")
    await ask(world, "/cm whoami")
    cards = [m for m in world.slack.workspace.messages if m.channel == OPERATIONS and not m.thread_ts]
    assert len(cards) == 1


async def test_a_card_that_cannot_be_posted_proposes_nothing(world: Demo) -> None:
    """The requester is told why and what to do, and no card can be clicked later."""
    team = world.slack.workspace.team
    channels = tuple(c for c in team.channels if c.id != OPERATIONS)
    world.slack.workspace.team = type(team)(**{**_fields(team), "channels": channels})
    told = await ask(world, "/cm task disable balance")
    assert "Nothing was proposed" in told.text
    assert "channel_not_found" in told.text


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


async def test_the_state_moved_between_proposal_and_click(world: Demo) -> None:
    """Somebody changed the switch meanwhile: the click sends nothing, and the card says what moved."""
    card, _ = await propose(world, "/cm task disable balance")
    world.clusters["prod"].data.kv["balance"] = "Enable"
    await world.slack.as_user(ALICE).click(OPERATIONS, card.ts, "op_confirm", confirmed=True)
    moved = await world.slack.wait_for(OPERATIONS, lambda m: m.ts == card.ts and "moved" in m.full_text)
    assert "Enable" in moved.full_text
    assert not world.clusters["prod"].log.matching(method="POST", path="/config/set")


async def test_a_lost_reply_is_looked_for_not_sent_again(world: Demo) -> None:
    """Executed, but the answer was cut: the effect is seen, and the cluster saw one request."""
    card, _ = await propose(world, "/cm task disable balance")
    world.clusters["prod"].lose_replies(1, path="/config/set")
    await world.slack.as_user(ALICE).click(OPERATIONS, card.ts, "op_confirm", confirmed=True)
    done = await world.slack.wait_for(OPERATIONS, lambda m: m.ts == card.ts and "is now off" in m.full_text)
    assert "op_confirm" not in json.dumps(done.blocks)
    assert len(world.clusters["prod"].log.matching(method="POST", path="/config/set")) == 1


# --- being alerted


async def test_a_broken_disk_is_told_followed_and_resolved_in_one_message(world: Demo) -> None:
    """Named when it breaks, kept while it is repaired, resolved in place with its duration."""
    cluster = world.clusters["prod"]
    cluster.break_disk(3)
    first = await world.slack.wait_for(STORAGE, alert("disk #3", "broken"))
    assert "/data/disk3" in first.full_text
    cluster.break_disk(7)
    grown = await world.slack.wait_for(STORAGE, lambda m: m.ts == first.ts and "disk #7" in m.full_text)
    assert "2 disks" in grown.text
    cluster.repair_disk(3, "repairing")
    await world.slack.wait_for(STORAGE, lambda m: m.ts == first.ts and "being repaired" in m.full_text)
    for disk in (3, 7):
        cluster.repair_disk(disk, "repairing")
        cluster.repair_disk(disk, "repaired")
    resolved = await world.slack.wait_for(STORAGE, lambda m: m.ts == first.ts and "esolved" in m.full_text, timeout=60)
    assert resolved.edited


async def test_a_change_of_leader_is_told_once(world: Demo) -> None:
    """From whom to whom, in which term."""
    while world.app.watches["prod"].latest is None:
        await ask(world, "/cm whoami")
    await world.clusters["prod"].elect(2)
    told = await world.slack.wait_for(STORAGE, alert("from peer 1 to peer 2"))
    assert "term" in told.full_text
    told_again = [m for m in world.slack.workspace.messages if alert("from peer 1 to peer 2")(m)]
    assert len(told_again) == 1


async def test_the_home_tab_shows_the_clusters(world: Demo) -> None:
    """Opening the app's Home publishes what the watch last saw."""
    await world.slack.as_user(ALICE).open_home()
    home = await world.slack.workspace.wait_until(lambda: world.slack.workspace.homes.get(ALICE), 10)
    assert "prod" in json.dumps(home.content)

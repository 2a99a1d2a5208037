"""A person's journey: status, changes, alerts; errors are reported to the person concerned."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.cli.demo import Demo
from bot.playground.slack_sim.workspace import Message

pytestmark = pytest.mark.fast_time

ALICE, BOB, DAVE = "U0ALICE", "U0BOB", "U0DAVE"
UNKNOWN_BUTTON = "belongs to no known operation"
STORAGE, OPERATIONS, ARCHIVE, RANDOM = "C0STORAGE", "C0OPERATIONS", "C0ARCHIVE", "C0RANDOM"


async def ask(world: Demo, line: str, *, user: str = ALICE, channel: str = STORAGE) -> Message:
    """Type a command and wait for its answer; a file that an earlier command shares is none."""
    person = world.slack.as_user(user)
    before = {m.ts for m in person.sees(channel)}
    await person.command(channel, line)

    def answers(message: Message) -> bool:
        return message.ts not in before and not message.metadata and not message.files

    return await world.slack.wait_for(channel, answers, user=user)


def alert(*words: str) -> Any:
    """Match an alert (not a reply) that contains every word."""
    return lambda m: m.metadata and not m.thread_ts and all(word in m.full_text for word in words)


async def propose(world: Demo, line: str, **where: str) -> tuple[Message, Message]:
    """Type a changing command; return (its card, the answer to the requester)."""
    answer = await ask(world, line, **where)
    channel = OPERATIONS if "archive" not in line else ARCHIVE
    return await world.slack.wait_for(channel, lambda m: "*Waiting*" in m.full_text), answer


# --- reading


async def test_stat_shows_the_cluster_status(world: Demo) -> None:
    """The answer has the status, leader, space, peers, disks and hosts."""
    shown = (await ask(world, "/cm stat details=yes")).full_text
    assert "prod is healthy" in shown
    for fact in ("term 1", "TiB", "Writable", "z0", "z2", "3 voters", "3 of 3 hosts answered"):
        assert fact in shown


@pytest.mark.parametrize(
    ("line", "facts"),
    [
        ("/cm", ("/cm help", "/cm stat", "`whoami`")),
        ("/cm help stat", ("/cm stat [cluster]", "For everyone")),
        ("/cm clusters", ("of 2 clusters", "prod", "archive")),
        ("/cm members", ("prod is healthy", "127.0.0.1:10110", "127.0.0.1:10112")),
        ("/cm disks", ("prod", "/data/disk1", "http://10.1.0.12:8899")),
        ("/cm disk 1", ("Disk #1 of prod", "/data/disk1", "TiB")),
        ("/cm tasks", ("prod has 9 background tasks", "disk_repair", "volume_inspect")),
        ("/cm whoami", (ALICE, "operator", "access.admins.users")),
    ],
)
async def test_reading_commands_answer_without_arguments(world: Demo, line: str, facts: tuple[str, ...]) -> None:
    """Each command answers without arguments."""
    answer = (await ask(world, line)).full_text
    assert [fact for fact in facts if fact not in answer] == []


async def test_cluster_is_chosen_by_name_or_channel(world: Demo) -> None:
    """A cluster is chosen by name or by the channel's default, never guessed."""
    assert "archive" in (await ask(world, "/cm stat archive")).text
    assert "archive" in (await ask(world, "/cm stat", channel=ARCHIVE)).text
    refused = await ask(world, "/cm stat", channel=RANDOM)
    assert "prod" in refused.text
    assert refused.only_for == ALICE


@pytest.mark.parametrize("killed", [(1,), (2, 3), (1, 2, 3)])
async def test_stat_names_dead_nodes_in_time(world: Demo, killed: tuple[int, ...]) -> None:
    """The remaining hosts answer; the silent ones are named."""
    cluster = world.clusters["prod"]
    for node in killed:
        await cluster.kill(node)
    shown = await ask(world, "/cm stat")
    for node in killed:
        assert cluster.host(node).removeprefix("http://") in shown.full_text


async def test_stat_with_paused_host_is_completed_later(world: Demo) -> None:
    """The answer comes within the deadline and is edited when the host answers."""
    cluster = world.clusters["prod"]
    await cluster.pause(1)
    first = await ask(world, "/cm stat")
    assert "no answer" in first.full_text
    await cluster.resume(1)
    completed = await world.slack.wait_for(STORAGE, lambda m: m.ts == first.ts and "3 of 3 hosts" in m.full_text)
    assert "this message is updated" not in completed.full_text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/cm members", "none of its 3 hosts answered"),
        ("/cm disks", "within 4.5 s"),
        ("/cm disk 1", "disk 1 within 4.5 s"),
        ("/cm tasks", "no leader"),
        ("/cm clusters", "0 of 2 clusters"),
        ("/cm help", "cmbot operates CubeFS"),
    ],
)
async def test_commands_answer_while_all_hosts_hang(world: Demo, line: str, words: str) -> None:
    """Each command is acknowledged at once and answered with what is known."""
    for node in (1, 2, 3):
        await world.clusters["prod"].pause(node)
    assert words in (await ask(world, line)).text


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
        ("/cm task disable balance dev", "dev"),
        ("/cm stat " + "x" * 10_000, "10,005 characters"),
        ('/cm stat "unclosed', "quote"),
        ("/cm stat @bob", "U0BOB"),
    ],
)
async def test_bad_input_gets_one_private_sentence(world: Demo, line: str, words: str) -> None:
    """Bad input gets one ephemeral sentence, and the process continues."""
    refused = await ask(world, line)
    assert refused.only_for == ALICE
    assert words in refused.text
    assert len(refused.text) < 1000
    assert "prod is healthy" in (await ask(world, "/cm stat")).text


async def test_hostile_text_of_a_cluster_is_escaped(world: Demo) -> None:
    """A host named <!channel> notifies no one."""
    world.clusters["prod"].rename_disk(5, host="<!channel> & <@U0BOB>", path="`*_~|")
    world.clusters["prod"].break_disk(5)
    posted = await world.slack.wait_for(STORAGE, alert("disk #5"))
    listed = await ask(world, "/cm disks status=broken")
    for message in (posted, listed):
        assert "<!channel>" not in json.dumps([message.text, *message.blocks])
        assert "<@U0BOB>" not in json.dumps([message.text, *message.blocks])


# --- changes


async def test_switch_is_turned_off_and_verified(world: Demo) -> None:
    """The card names cluster, task and value; one click sends one request; the card shows the result."""
    card, answer = await propose(world, "/cm task disable balance reason=rush")
    assert OPERATIONS in answer.full_text
    assert answer.only_for == ALICE
    assert card.channel == OPERATIONS
    for fact in ("prod", "balance", '"true"', '"false"', "rush"):
        assert fact in card.full_text
    await world.slack.as_user(ALICE).click(OPERATIONS, card.ts, "op_confirm", confirmed=True)
    done = await world.slack.wait_for(OPERATIONS, lambda m: m.ts == card.ts and "Verified" in m.full_text)
    assert "balance is now off" in done.full_text
    assert f"<@{ALICE}>" in done.full_text
    assert not [block for block in done.blocks if block["type"] == "actions"]
    writes = world.clusters["prod"].log.matching(method="POST", path="/config/set")
    assert [json.loads(seen.body) for seen in writes] == [{"key": "balance", "value": "false"}]


async def test_v1_cluster_gets_its_own_switch_value(world: Demo) -> None:
    """The same command sends Disable under another key to another release, as its manual says."""
    card, _ = await propose(world, "/cm task disable volume_inspect archive")
    await world.slack.as_user(ALICE).click(ARCHIVE, card.ts, "op_confirm", confirmed=True)
    await world.slack.wait_for(ARCHIVE, lambda m: m.ts == card.ts and "Verified" in m.full_text)
    (write,) = world.clusters["archive"].log.matching(method="POST", path="/config/set")
    assert json.loads(write.body) == {"key": "vol_inspect", "value": "Disable"}


async def test_proposal_by_viewer_is_refused(world: Demo) -> None:
    """Dave, a viewer, is refused with advice; a member of the operators' group may propose."""
    refused = await ask(world, "/cm task disable balance", user=DAVE)
    assert "not an operator" in refused.text
    assert refused.only_for == DAVE
    card, _ = await propose(world, "/cm task disable balance", user="U0CAROL")
    assert "U0CAROL" in card.full_text


async def test_second_click_sends_nothing(world: Demo) -> None:
    """Repeated clicks, also after the end, send one request."""
    card, _ = await propose(world, "/cm task disable balance")
    alice = world.slack.as_user(ALICE)
    button = next(e for block in card.blocks for e in block.get("elements", ()) if e.get("action_id") == "op_confirm")
    for _ in range(2):
        await alice.send_click(card, {**button, "block_id": "x"})
    await world.slack.wait_for(OPERATIONS, lambda m: m.ts == card.ts and "Verified" in m.full_text)
    await alice.send_click(card, {**button, "block_id": "x"})
    posted = await world.slack.wait_for(OPERATIONS, lambda m: m.only_for == ALICE, user=ALICE)
    assert "#1 " in posted.text
    assert "has no effect" in posted.text
    assert len(world.clusters["prod"].log.matching(method="POST", path="/config/set")) == 1


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("{}", UNKNOWN_BUTTON),
        ("[]", UNKNOWN_BUTTON),
        ('{"op":1}', "#1 is already waiting"),
        ('{"op":true,"v":1}', UNKNOWN_BUTTON),
        ('{"op":99,"v":1}', UNKNOWN_BUTTON),
        ("9" * 1900, UNKNOWN_BUTTON),
    ],
)
async def test_forged_button_is_refused(world: Demo, value: str, words: str) -> None:
    """A forged payload sends nothing and gets an ephemeral refusal."""
    card, _ = await propose(world, "/cm task disable balance")
    forged = {"type": "button", "action_id": "op_confirm", "block_id": "x", "value": value}
    await world.slack.as_user(ALICE).send_click(card, forged)
    posted = await world.slack.wait_for(OPERATIONS, lambda m: m.only_for == ALICE, user=ALICE)
    assert words in posted.text
    assert not world.clusters["prod"].log.matching(method="POST", path="/config/set")


async def test_command_delivered_twice_proposes_once(world: Demo) -> None:
    """Slack may deliver an envelope twice."""
    world.slack.faults.inject("duplicate")
    await propose(world, "/cm task disable balance")
    await ask(world, "/cm whoami")
    cards = [m for m in world.slack.workspace.messages if m.channel == OPERATIONS and not m.thread_ts]
    assert len(cards) == 1


async def test_proposal_without_postable_card_is_withdrawn(world: Demo) -> None:
    """The requester learns the cause and the fix, and no card can be clicked later."""
    team = world.slack.workspace.team
    channels = tuple(replace(c, has_bot=False) if c.id == OPERATIONS else c for c in team.channels)
    world.slack.workspace.team = replace(team, channels=channels)
    answer = await ask(world, "/cm task disable balance")
    assert "Nothing was proposed" in answer.text
    assert "not_in_channel" in answer.text


async def test_proposal_is_refused_while_slack_knows_no_channel_for_its_card(world: Demo) -> None:
    """It could be a private channel with people of another organisation; reading goes on."""
    team = world.slack.workspace.team
    world.slack.workspace.team = replace(team, channels=tuple(c for c in team.channels if c.id != OPERATIONS))
    answer = await ask(world, "/cm task disable balance")
    assert f"Slack does not say if <#{OPERATIONS}> is shared with another organisation" in answer.text
    assert await world.app.repository.recent(None, 5) == []
    assert "prod" in (await ask(world, "/cm stat")).full_text


async def test_click_after_a_change_of_state_sends_nothing(world: Demo) -> None:
    """The switch changed meanwhile: the click sends nothing, and the card says what changed."""
    card, _ = await propose(world, "/cm task disable balance")
    world.clusters["prod"].data.kv["balance"] = "Enable"
    await world.slack.as_user(ALICE).click(OPERATIONS, card.ts, "op_confirm", confirmed=True)
    moved = await world.slack.wait_for(OPERATIONS, lambda m: m.ts == card.ts and "changed" in m.full_text)
    assert "Enable" in moved.full_text
    assert not world.clusters["prod"].log.matching(method="POST", path="/config/set")


async def test_lost_answer_is_verified_and_not_sent_again(world: Demo) -> None:
    """The request was executed and its answer cut: the effect is verified, and the cluster got one request."""
    card, _ = await propose(world, "/cm task disable balance")
    world.clusters["prod"].lose_replies(1, path="/config/set")
    await world.slack.as_user(ALICE).click(OPERATIONS, card.ts, "op_confirm", confirmed=True)
    done = await world.slack.wait_for(OPERATIONS, lambda m: m.ts == card.ts and "is now off" in m.full_text)
    assert "op_confirm" not in json.dumps(done.blocks)
    assert len(world.clusters["prod"].log.matching(method="POST", path="/config/set")) == 1


# --- alerts


async def test_broken_disk_is_one_message_until_resolved(world: Demo) -> None:
    """One message is posted when the disk breaks, edited during repair, and resolved with its duration."""
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


async def test_change_of_leader_is_posted_once(world: Demo) -> None:
    """The alert names both leaders and the term."""
    while world.app.watches["prod"].latest is None:
        await ask(world, "/cm whoami")
    await world.clusters["prod"].elect(2)
    posted = await world.slack.wait_for(STORAGE, alert("from peer 1 to peer 2"))
    assert "term" in posted.full_text
    posts = [m for m in world.slack.workspace.messages if alert("from peer 1 to peer 2")(m)]
    assert len(posts) == 1


async def test_home_tab_shows_the_clusters(world: Demo) -> None:
    """Opening the Home tab publishes the result of the last poll."""
    await world.slack.as_user(ALICE).open_home()
    home = await world.slack.workspace.wait_until(lambda: world.slack.workspace.homes.get(ALICE), 10)
    assert "prod" in json.dumps(home.content)

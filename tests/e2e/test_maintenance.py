"""Maintenance of a host: judged, started by the button, lifted when something else fails, ended by itself."""

import asyncio

import pytest

from bot.cli.demo import Demo
from bot.playground.slack_sim.workspace import Message
from tests.e2e.test_journey import ALICE, DAVE, RANDOM, STORAGE, alert, ask

pytestmark = pytest.mark.fast_time

BLOBNODE = "10.1.0.11"


async def answered(world: Demo, line: str, *words: str, user: str = ALICE) -> Message:
    """Type a command; wait until its answer, or the answer that replaces it, has these words."""
    first = await ask(world, line, user=user)
    return await world.slack.wait_for(
        STORAGE, lambda m: m.ts == first.ts and all(word in m.full_text for word in words), user=user
    )


async def start(world: Demo, judged: Message) -> None:
    """Click the button of an answer of /cm safe-to-stop; wait for the announcement."""
    await world.slack.as_user(ALICE).click(STORAGE, judged.ts, "maintenance_start", confirmed=True)
    await world.slack.wait_for(STORAGE, lambda m: "started maintenance" in m.full_text and m.ts != judged.ts)


def posted(world: Demo) -> list[str]:
    """The alerts in the channel."""
    return [m.text for m in world.slack.workspace.messages if alert()(m) and m.text.startswith(("Warning", "Critical"))]


async def test_follower_may_be_stopped_with_care(world: Demo) -> None:
    cluster = world.clusters["prod"]
    shown = await answered(world, f"/cm safe-to-stop {cluster.host(2)}", "one more voter down stops writes")
    assert "Quorum without peer 2" in shown.full_text
    assert "if peer 1 or 3 stops, writes stop" in shown.full_text
    assert "leader transfer" not in shown.full_text


async def test_leader_is_to_hand_over_first(world: Demo) -> None:
    cluster = world.clusters["prod"]
    leader = cluster.host(cluster.leader)
    shown = await answered(world, f"/cm safe-to-stop {leader}", "it leads, so the leader changes")
    assert "/cm leader transfer 2 prod" in shown.full_text


async def test_blobnode_with_the_only_margin_of_a_volume_is_refused(world: Demo) -> None:
    """Three units of a volume are lost: one more host away, and the volume cannot be read."""
    cluster = world.clusters["prod"]
    cluster.set_switch("disk_repair", "false")
    volume = next(each for each in cluster.data.volumes if each.code_mode == 11)
    disks = [unit.disk_id for unit in volume.units]
    host = cluster.data.disks[disks[0]].host
    for disk in [each for each in disks if cluster.data.disks[each].host != host][:3]:
        cluster.break_disk(disk)
    shown = await answered(world, f"/cm safe-to-stop {host}", "Do not stop", "could not be read while it is away")
    assert "tolerates 3, 3 lost" in shown.full_text
    assert "anyway=yes" in shown.full_text
    refused = await ask(world, f"/cm maintenance start {host} prod")
    assert "No maintenance was started" in refused.text
    assert "needs a reason" in (await ask(world, f"/cm maintenance start {host} prod anyway=yes")).text
    assert "No host is in maintenance" in (await ask(world, "/cm maintenances")).text
    begun = await ask(world, f"/cm maintenance start {host} prod anyway=yes reason=fire")
    assert "Some volumes on it cannot be read meanwhile" in begun.full_text


async def test_unknown_host_and_viewer_are_refused(world: Demo) -> None:
    refused = await ask(world, "/cm safe-to-stop 10.9.9.9 prod")
    assert "knows no host" in refused.text
    assert "10.1.0.11" in refused.text
    denied = await ask(world, f"/cm maintenance start {BLOBNODE} prod", user=DAVE, channel=RANDOM)
    assert "not an operator" in denied.text
    assert "is not in maintenance" in (await ask(world, f"/cm maintenance end {BLOBNODE} prod")).text


async def test_maintenance_mutes_its_host_until_another_fails(world: Demo) -> None:
    """The button starts it, the stopped host raises no alert; another host that fails ends it, and all is announced."""
    cluster = world.clusters["prod"]
    judged = await answered(world, f"/cm safe-to-stop {cluster.host(2)}", "may be stopped now")
    await start(world, judged)
    await cluster.kill(2)
    await asyncio.sleep(40)
    assert posted(world) == []
    assert "is in maintenance until" in (await ask(world, "/cm alerts")).full_text
    listed = await ask(world, "/cm maintenances")
    assert "1 host is in maintenance" in listed.full_text
    assert "it mutes 0 alerts" not in listed.full_text
    cluster.break_disk(5)
    lifted = await world.slack.wait_for(STORAGE, lambda m: "ended early" in m.full_text)
    assert "something else fails" in lifted.full_text
    assert "disk" in lifted.full_text
    await world.slack.wait_for(
        STORAGE, lambda m: cluster.host(2).removeprefix("http://") in m.full_text and bool(alert()(m))
    )
    assert "No host is in maintenance" in (await ask(world, "/cm maintenances")).text
    noted = (await ask(world, "/cm audit")).full_text
    assert "silence lifted" in noted


async def test_person_ends_a_maintenance(world: Demo) -> None:
    host = world.clusters["prod"].host(2)
    begun = await ask(world, f"/cm maintenance start {host} prod for=1h", channel=RANDOM)
    assert "started maintenance" in begun.text
    ended = await ask(world, f"/cm maintenance end {host} prod", channel=RANDOM)
    assert "is ended" in ended.text
    await world.slack.wait_for(STORAGE, lambda m: "ended the maintenance of" in m.full_text)
    assert "Nothing is silenced" in (await ask(world, "/cm silences")).text

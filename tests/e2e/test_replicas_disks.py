"""Disks taken offline by two processes over one database, of which one is killed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.operations.disk_offline import OfflineStage, stage_of
from bot.operations.model import OpState
from bot.operations.requests import DiskOffline, DisksOffline
from bot.playground.clustermgr_sim.cluster import Seen
from bot.playground.slack_sim.message import Message
from tests.e2e.replicas import PATIENCE, STORAGE, Replicas, two_replicas
from tests.support.databases import Postgres

pytestmark = pytest.mark.system


@pytest.fixture
async def replicas(tmp_path: Path, postgres: Postgres) -> AsyncIterator[Replicas]:
    async with two_replicas(tmp_path, postgres) as made:
        for disk in made.cluster.data.disks.values():
            disk.idc = "z0"
        yield made
        assert await made.broken_chain() is None
        made.assert_each_message_is_there_once()


def requests_for(*disks: int) -> list[tuple[str, Any]]:
    """What takes these disks offline, one after another."""
    return [
        request
        for disk in disks
        for request in (("/disk/access", {"disk_id": disk, "readonly": True}), ("/disk/drop", {"disk_id": disk}))
    ]


async def emptied(replicas: Replicas, disk: int) -> Message:
    """Wait for the card that shows the progress of a drop, and let the drop end; return the card as it was.

    The simulated drop may end by itself before its units are counted for the first time.
    """
    title = f"Take disk #{disk} offline"
    card = await replicas.slack.wait_for(
        STORAGE,
        lambda m: m.text.startswith(title) and ("units left" in m.full_text or "no unit left" in m.full_text),
        timeout=PATIENCE,
    )
    replicas.cluster.move_chunks(disk, 0)
    return card


async def final_state(replicas: Replicas, number: int) -> OpState:
    """Wait until an operation is over."""
    return (await replicas.operation(lambda op: op.id == number and op.final)).state


async def said_safe(replicas: Replicas, disk: int, card: Message) -> None:
    """Wait until that card, and one line in the thread of a series, say that the disk may be pulled."""
    words = f"disk #{disk} is dropped; safe to pull: no unit left"
    await replicas.card_with(card, words)
    assert {m.text.partition(" ")[0] for m in replicas.messages(words)} <= {"Take", "✅"}


async def test_series_goes_on_after_a_kill_between_the_steps_of_its_second_disk(replicas: Replicas) -> None:
    card = await replicas.proposed('/cm disk offline 5 6 7 reason="old model"')
    [first_step, _] = requests_for(6)

    def checks_of_the_drop(seen: Seen) -> bool:
        """The units of the disk, which are counted again after its first step."""
        return seen.target == "/volume/unit/list?disk_id=6" and first_step in replicas.sent

    with replicas.cluster.holding(checks_of_the_drop):
        await replicas.approve(card)
        shown = {5: await emptied(replicas, 5)}
        between = await replicas.operation(
            lambda op: op.request == DiskOffline(6) and stage_of(op) is OfflineStage.READONLY_SEEN
        )
        await replicas.kill(replicas.names[between.runner])
        assert replicas.sent == requests_for(5, 6)[:3]
    for disk in (6, 7):
        shown[disk] = await emptied(replicas, disk)
    await replicas.card_with(card, "disks #5, #6 and #7 were begun")
    assert replicas.sent == requests_for(5, 6, 7)
    # An attempt whose process was held up beyond its lease sends nothing, and the disk is begun again.
    verified = [op.request for op in await replicas.operations() if op.state is OpState.VERIFIED]
    assert verified == [DisksOffline((5, 6, 7)), *(DiskOffline(disk) for disk in (5, 6, 7))]
    for disk in (5, 6, 7):
        await said_safe(replicas, disk, shown[disk])


async def test_lost_reply_of_a_drop_is_settled_by_the_other_process(replicas: Replicas) -> None:
    card = await replicas.proposed('/cm disk offline 7 reason="old model"')
    log = replicas.cluster.log
    replicas.cluster.lose_replies(1, path="/disk/drop")
    # What follows the drop is held: nothing can settle its outcome before the kill.
    with replicas.cluster.holding(lambda seen: seen.method == "GET" and bool(log.matching(path="/disk/drop"))):
        await replicas.approve(card)
        unknown = await replicas.operation(lambda op: op.state is OpState.UNKNOWN)
        await replicas.kill(replicas.names[unknown.runner])
        assert [op.state for op in await replicas.operations()] == [OpState.UNKNOWN]
    await said_safe(replicas, 7, await emptied(replicas, 7))
    [op] = await replicas.operations()
    assert op.state is OpState.VERIFIED
    assert replicas.sent == requests_for(7)


async def test_disks_of_one_host_approved_at_once_in_two_processes_keep_its_limit(replicas: Replicas) -> None:
    cards = [await replicas.proposed(f'/cm disk offline {disk} reason="old model"') for disk in (7, 8)]
    replicas.slow(0.3)
    await asyncio.gather(*(replicas.approve(card) for card in cards))
    states = [await final_state(replicas, number) for number in (1, 2)]
    # A card whose checks changed before its click counts is replaced, so that both may be refused; never are both sent.
    begun = states.count(OpState.VERIFIED)
    assert begun <= 1
    assert [path for path, _ in replicas.sent] == ["/disk/access", "/disk/drop"] * begun

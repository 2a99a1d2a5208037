"""Disks taken out of service over sockets: two requests, each sent once, progress, and what is left when one fails."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.cli.demo import Demo
from bot.operations.disk_step_facts import OfflineStep, OfflineStepBegun
from bot.operations.model import OpState
from bot.playground.slack_sim.workspace import Message
from tests.e2e.test_operations import (
    ALICE,
    BOB,
    OPERATIONS,
    PATIENCE,
    STORAGE,
    ask,
    card_with,
    click,
    only_op,
    propose,
    reject,
    writes,
)

pytestmark = pytest.mark.fast_time

LINE = '/cm disk offline 7 reason="replace it"'


@pytest.fixture
async def ready(world: Demo) -> Demo:
    """A cluster with a scheduler, on whose cards progress is shown as fast as the program looks."""
    await world.clusters["prod"].start_scheduler()
    world.app.drop_follower.every = world.app.disk_series.every = 0.0
    return world


def sent(world: Demo) -> list[tuple[str, Any]]:
    """All changes of disks that prod saw, in their order."""
    log = world.clusters["prod"].log.matching(method="POST")
    return [(seen.path, json.loads(seen.body)) for seen in log if seen.path.startswith(("/disk/", "/node/"))]


async def states_at_the_end(world: Demo) -> list[OpState]:
    """States of all operations once none is open."""
    async with asyncio.timeout(PATIENCE):
        while True:
            ops = await world.app.repository.recent(None, 50)
            if all(op.final for op in ops):
                return [op.state for op in ops]
            await asyncio.sleep(0.1)


BOTH = [("/disk/access", {"disk_id": 7, "readonly": True}), ("/disk/drop", {"disk_id": 7})]


async def test_disk_offline_is_sent_once_each_and_ends_safe_to_pull(ready: Demo) -> None:
    card = await propose(ready, LINE)
    assert "A drop cannot be cancelled" in card.full_text
    assert "`/disk/access` disk_id 7, readonly true; then `/disk/drop` disk_id 7" in card.full_text
    assert "can lose" in card.full_text
    assert sent(ready) == []
    await click(ready, card, BOB)
    begun = await card_with(ready, card, "units left")
    assert "Verified" in begun.full_text
    assert "of 42 units left" in begun.full_text
    ready.clusters["prod"].move_chunks(7, 1)
    done = await card_with(ready, card, "safe to pull: no unit left")
    assert "disk #7 is dropped" in done.full_text
    assert sent(ready) == BOTH
    op = await only_op(ready)
    facts = [event.fact.step for event in op.history if isinstance(event.fact, OfflineStepBegun)]
    assert facts == [OfflineStep.READONLY, OfflineStep.DROP]


async def test_disks_declared_broken_at_once_lose_no_data(ready: Demo) -> None:
    cluster = ready.clusters["prod"]
    volume = next(iter(cluster.data.volumes.by_vid.values()))
    first, *others = (unit.disk_id for unit in volume.units[:4])
    cluster.break_disk(first)
    cards = [await propose(ready, f'/cm disk broken {disk} reason="dead"') for disk in others]
    await asyncio.gather(*(click(ready, card, BOB) for card in cards))
    states = await states_at_the_end(ready)
    assert (states.count(OpState.VERIFIED), states.count(OpState.SUPERSEDED)) == (1, 2)
    assert [path for path, _ in sent(ready)] == ["/disk/set"]


async def test_two_disks_of_a_host_dropped_at_once_keep_its_limit(ready: Demo) -> None:
    cards = [await propose(ready, f'/cm disk offline {disk} reason="old"') for disk in (7, 8)]
    await asyncio.gather(*(click(ready, card, BOB) for card in cards))
    states = await states_at_the_end(ready)
    assert (states.count(OpState.VERIFIED), states.count(OpState.SUPERSEDED)) == (1, 1)
    assert [path for path, _ in sent(ready)] == ["/disk/access", "/disk/drop"]


async def test_readonly_disk_is_only_dropped(ready: Demo) -> None:
    ready.clusters["prod"].set_disk_readonly(7)
    card = await propose(ready, LINE)
    await click(ready, card, BOB)
    await card_with(ready, card, "Verified")
    assert sent(ready) == BOTH[1:]


async def test_lost_reply_of_a_drop_is_verified_by_the_dropping_list(ready: Demo) -> None:
    card = await propose(ready, LINE)
    ready.clusters["prod"].lose_replies(1, path="/disk/drop")
    await click(ready, card, BOB)
    await card_with(ready, card, "Verified")
    states = [event.state for event in (await only_op(ready)).history]
    assert OpState.UNKNOWN in states
    assert sent(ready) == BOTH


async def test_lost_reply_of_the_first_step_is_read_back(ready: Demo) -> None:
    card = await propose(ready, LINE)
    ready.clusters["prod"].lose_replies(1, path="/disk/access")
    await click(ready, card, BOB)
    await card_with(ready, card, "Verified")
    states = [event.state for event in (await only_op(ready)).history]
    assert OpState.UNKNOWN not in states
    assert sent(ready) == BOTH


async def test_refused_drop_offers_to_make_the_disk_writable(ready: Demo) -> None:
    card = await propose(ready, LINE)
    ready.clusters["prod"].fail_next(926, path="/disk/drop", words="disk is abnormal")
    await click(ready, card, BOB)
    failed = await card_with(ready, card, "disk #7 is read-only; it is not being dropped")
    assert "Failed" in failed.full_text
    before = {m.ts for m in ready.slack.as_user(ALICE).sees(OPERATIONS)}
    await click(ready, failed, ALICE, "op_writable")
    writable = await ready.slack.wait_for(
        OPERATIONS,
        lambda m: m.ts not in before and not m.thread_ts and "Make disk #7 writable" in m.full_text and m.blocks != (),
        timeout=PATIENCE,
    )
    await click(ready, writable, BOB)
    await card_with(ready, writable, "Verified")
    assert sent(ready) == [*BOTH, ("/disk/access", {"disk_id": 7, "readonly": False})]


async def test_drop_is_not_sent_when_the_checks_fail_in_between(ready: Demo) -> None:
    cluster = ready.clusters["prod"]
    card = await propose(ready, LINE)
    cluster.slow(1, 0.3)
    await click(ready, card, BOB)
    await cluster.until(lambda: bool(cluster.log.matching(method="POST", path="/disk/access")))
    cluster.set_switch("disk_drop", "false")
    ended = await card_with(ready, card, "it is not being dropped")
    assert "disk_drop" in ended.full_text
    assert sent(ready) == BOTH[:1]


async def test_offline_without_a_scheduler_is_refused_in_words(world: Demo) -> None:
    services = world.clusters["prod"].data.services
    services[:] = [service for service in services if service.name != "SCHEDULER"]
    reply = await ask(world, LINE)
    assert "refused, nothing was sent" in reply.full_text
    assert "scheduler" in reply.full_text
    assert sent(world) == []


async def test_offline_in_a_full_zone_is_refused_with_numbers(ready: Demo) -> None:
    cluster = ready.clusters["prod"]
    zone = cluster.data.disks[7].idc
    for disk in cluster.data.disks.values():
        if disk.idc == zone:
            disk.free_chunks = 1
    reply = await ask(ready, LINE)
    assert "refused, nothing was sent" in reply.full_text
    assert "42" in reply.full_text
    assert "chunks" in reply.full_text
    assert sent(ready) == []


@pytest.mark.parametrize(
    ("line", "body"),
    [
        ("/cm disk readonly 7", ("/disk/access", {"disk_id": 7, "readonly": True})),
        ('/cm disk broken 7 reason="it is dead"', ("/disk/set", {"disk_id": 7, "status": 2})),
    ],
)
async def test_single_step_is_sent_once_and_read_back(ready: Demo, line: str, body: tuple[str, Any]) -> None:
    card = await propose(ready, line)
    await click(ready, card, BOB)
    await card_with(ready, card, "Verified")
    assert sent(ready) == [body]


async def test_broken_card_names_each_volume_and_its_button_lists_all(
    ready: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = {unit.vid for unit in ready.clusters["prod"].data.volumes.units_of(7)}
    whole = await propose(ready, '/cm disk broken 7 reason="dead"')
    assert all(f"#{vid}" in whole.full_text for vid in held)
    await reject(ready, whole, BOB)
    await card_with(ready, whole, "Rejected")
    monkeypatch.setattr("bot.views.volume_margins.ON_CARD", 2)
    card = await propose(ready, '/cm disk broken 7 reason="dead again"')
    assert f"… and {len(held) - 2} more volumes" in card.full_text
    await click(ready, card, BOB, "op_volumes")
    wanted = f"{len(held)} volumes at the last check"
    answer = await ready.slack.wait_for(OPERATIONS, lambda m: wanted in m.text, user=BOB, timeout=PATIENCE)
    assert all(f"#{vid}" in answer.full_text for vid in held)


async def test_dry_run_of_an_offline_proposes_nothing(ready: Demo) -> None:
    reply = await ask(ready, f"{LINE} dry-run=yes")
    assert "This was a dry run" in reply.full_text
    assert "then `/disk/drop` disk_id 7" in reply.full_text
    assert writes(ready, "/disk/access") == []


# --- several disks, and a node


def drops(world: Demo) -> list[int]:
    return [body["disk_id"] for path, body in sent(world) if path == "/disk/drop"]


async def empty(world: Demo, *disks: int) -> None:
    """Let the units of these disks move at once, and wait until the cluster dropped them."""
    cluster = world.clusters["prod"]
    await cluster.until(lambda: all(cluster.data.disks[disk].dropping for disk in disks))
    for disk in disks:
        cluster.move_chunks(disk, 0)


async def test_several_disks_go_one_after_another(ready: Demo) -> None:
    card = await propose(ready, '/cm disk offline 7 8 reason="old model"')
    await click(ready, card, BOB)
    await card_with(ready, card, "disk #8 is next and waits")
    assert drops(ready) == [7]
    await empty(ready, 7)
    await card_with(ready, card, "Verified")
    assert drops(ready) == [7, 8]
    await ready.slack.wait_for(
        OPERATIONS,
        lambda m: m.thread_ts == card.ts and "Take disk #7 offline" in m.full_text and "safe to pull" in m.full_text,
    )


async def test_refused_part_stops_the_rest(ready: Demo) -> None:
    card = await propose(ready, '/cm disk offline 7 8 9 reason="old model"')
    await click(ready, card, BOB)
    await card_with(ready, card, "disk #8 is next and waits")
    ready.clusters["prod"].set_switch("disk_drop", "false")
    waiting = await card_with(ready, card, "disk_drop is off")
    assert "Running" in waiting.full_text
    ready.clusters["prod"].break_disk(8)
    ended = await card_with(ready, card, "disk #7 was begun; disks #8 and #9 stay as they are")
    assert "Failed" in ended.full_text
    assert "Disk #8 is broken" in ended.full_text
    assert "/cm disk offline 8 9 prod" in ended.full_text
    assert drops(ready) == [7]


async def test_rest_of_several_disks_is_cancelled(ready: Demo) -> None:
    card = await propose(ready, '/cm disk offline 7 8 reason="old model"')
    await click(ready, card, BOB)
    waiting = await card_with(ready, card, "disk #8 is next and waits")
    await click(ready, waiting, ALICE, "op_stop")
    ended = await card_with(ready, card, "Cancelled")
    assert "disk #8 stays as it is" in ended.full_text
    assert "Not sent" not in ended.full_text
    await empty(ready, 7)
    assert drops(ready) == [7]


async def test_typed_cancel_of_a_running_series_cancels_its_rest(ready: Demo) -> None:
    card = await propose(ready, '/cm disk offline 7 8 reason="old model"')
    await click(ready, card, BOB)
    await card_with(ready, card, "disk #8 is next and waits")
    await ask(ready, "/cm op cancel 1")
    ended = await card_with(ready, card, "Cancelled")
    assert "disk #8 stays as it is" in ended.full_text
    shown = (await ask(ready, "/cm disk 7")).full_text
    assert "being dropped* by operation #2, a part of operation #1" in shown
    await empty(ready, 7)
    assert drops(ready) == [7]


async def test_node_goes_offline_after_its_disks(ready: Demo) -> None:
    cluster = ready.clusters["prod"]
    for disk in cluster.data.disks.values():
        disk.idc = "z0"
    host = cluster.data.disks[5].host.removeprefix("http://")
    card = await propose(ready, f'/cm node offline {host} reason="new hardware"')
    await click(ready, card, BOB)
    for number in (5, 6, 7, 8):
        await empty(ready, number)
    await card_with(ready, card, "Verified")
    assert drops(ready) == [5, 6, 7, 8]
    assert sent(ready)[-1] == ("/node/drop", {"node_id": 2})


async def test_unknown_host_is_refused_with_the_hosts_there_are(ready: Demo) -> None:
    reply = await ask(ready, '/cm node offline 10.9.9.9:8899 reason="gone"')
    assert "refused, nothing was sent" in reply.full_text
    assert "10.1.0.11:8899" in reply.full_text


async def test_disk_names_the_operation_that_is_about_to_change_it(ready: Demo) -> None:
    card = await propose(ready, '/cm disk broken 7 reason="it is dead"')
    waiting = await ask(ready, "/cm disk 7")
    assert "operation #1, which declares it broken, is waiting" in waiting.full_text
    await click(ready, card, BOB)
    await card_with(ready, card, "Verified")
    assert "declared broken by operation #1" in (await ask(ready, "/cm disk 7")).full_text
    assert "operation" not in (await ask(ready, "/cm disk 8")).full_text


async def test_alert_names_the_operation_that_declared_a_disk_broken(ready: Demo) -> None:
    card = await propose(ready, '/cm disk broken 7 reason="it is dead"')
    await click(ready, card, BOB)
    await card_with(ready, card, "Verified")
    await ready.slack.wait_for(
        STORAGE, lambda m: "disk #7" in m.full_text and "declared broken by operation #1" in m.full_text
    )


async def test_drop_past_cmbot_is_announced_followed_and_ended(ready: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person drops disk 9 with curl; the drop of disk 7 is ours, and is named beside it."""
    monkeypatch.setattr("bot.clustermgr.slow_poll.INTERVAL_SECONDS", 2.0)
    cluster = ready.clusters["prod"]
    card = await propose(ready, LINE)
    await click(ready, card, BOB)
    await card_with(ready, card, "Verified")
    cluster.set_disk_readonly(9)
    cluster.drop_disk(9)
    alert = await ready.slack.wait_for(STORAGE, lambda m: "was begun past" in m.full_text, timeout=PATIENCE)

    def reads(*words: str) -> Callable[[Message], bool]:
        return lambda m: m.ts == alert.ts and all(word in m.full_text for word in words)

    shown = await ready.slack.wait_for(STORAGE, reads("units left", "operation #1"), timeout=120)
    assert "disk #9" in shown.full_text
    cluster.move_chunks(9, 0)
    safe = "disk #9: dropped; safe to pull: no unit left"
    ended = await ready.slack.wait_for(STORAGE, reads(safe), timeout=120)
    assert "do not pull" not in ended.full_text

"""Refusals: whether the receiver is at fault or one content shows in what else it takes. Robots: their pace."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from bot.alerting.model import AlertState
from bot.alerting.receivers import OutputAlert, Receiver, ReceiverKind
from bot.integrations.client import HttpClient
from bot.integrations.robots import RobotSender
from bot.integrations.sender import ReceiverTarget
from bot.integrations.worker import LEASE_SECONDS, MAX_REFUSALS, OutputWorker, SlackOutage
from bot.store.database import Store
from bot.store.repositories.outputs import ReceiverRows
from tests.support.databases import Clock
from tests.support.output_builders import BROKEN, drained, informing, never_down, put, resolved, texts
from tests.support.receiver import RecordingReceiver, recording_receiver

OTHER = replace(BROKEN, id=18, key="cmbot/prod/disk_broken/18/1000", summary="2 disks of prod are broken.")
WRONG_KEY = {"status": "invalid event", "message": "Event object is invalid", "errors": ["Invalid routing key"]}
DINGTALK, PAGERDUTY = ReceiverKind.DINGTALK, ReceiverKind.PAGERDUTY
TAKEN = {"errcode": 0, "errmsg": "ok"}
CONTENT_REFUSED = {"errcode": 430101, "errmsg": "unsafe content"}


async def rounds(worker: OutputWorker, clock: Clock, number: int = 8) -> None:
    """Send for some minutes."""
    for _ in range(number):
        await worker.drain()
        clock.now += 130


def refusing_robot(**options: Any) -> Any:
    """A robot that refuses texts with `poison` by a code in the body."""
    return recording_receiver(answer=TAKEN, refusal=CONTENT_REFUSED, refusal_status=200, **options)


async def test_a_wrong_key_is_named_and_loses_nothing(store: Store, clock: Clock) -> None:
    async with recording_receiver(poison=b"wrong", refusal=WRONG_KEY) as receiver:
        async with informing(store, clock, PAGERDUTY, receiver.url, key="wrong") as worker:
            await put(store, BROKEN, OTHER)
            await rounds(worker, clock)
            rows = (await worker.health())["pager"]
            said = worker.remark()
        assert (rows.waiting, rows.dead) == (2, 0)
        assert said.startswith("pager has not taken alerts for ")
        assert said.endswith(": it refuses the key: it answers with status 400.")
        async with informing(store, clock, PAGERDUTY, receiver.url, key="right") as worker:
            await drained(worker, clock)
    assert sorted(body["dedup_key"] for body in receiver.bodies) == [BROKEN.key, OTHER.key]


@pytest.mark.parametrize("kind", [ReceiverKind.WEBHOOK, ReceiverKind.ALERTMANAGER, DINGTALK])
async def test_a_receiver_that_refuses_all_is_at_fault_itself(store: Store, clock: Clock, kind: ReceiverKind) -> None:
    """It is named, nothing is given up, and it gets all as soon as it takes alerts."""
    refusal = {"refusal": CONTENT_REFUSED, "refusal_status": 200 if kind is DINGTALK else 400}
    async with (
        recording_receiver(answer=TAKEN, poison=b"disk", **refusal) as receiver,
        informing(store, clock, kind, receiver.url, secret="s") as worker,
    ):
        await put(store, BROKEN, OTHER)
        await rounds(worker, clock)
        assert (await worker.health())["pager"].waiting == 2
        assert worker.remark().startswith("pager has not taken alerts for ")
        receiver.poison = b""
        await drained(worker, clock)
        assert (await worker.health())["pager"] == ReceiverRows()
        assert worker.remark() == ""
    said = b"".join(each.body for each in receiver.taken)
    assert [said.count(each.summary.encode()) for each in (BROKEN, OTHER)] == [1, 1]


async def test_a_refusal_counts_once_another_alert_was_taken(store: Store, clock: Clock) -> None:
    """One content that nothing else disproves is tried on; it holds no other alert for long."""
    async with (
        recording_receiver(poison=b"poison") as receiver,
        informing(store, clock, ReceiverKind.WEBHOOK, receiver.url, secret="s") as worker,
    ):
        await put(store, replace(BROKEN, summary="poison"))
        await rounds(worker, clock)
        assert (await worker.health())["pager"].waiting == 1
        clock.now += 15
        await put(store, OTHER)
        await worker.drain()
        assert [body["alert"]["id"] for body in receiver.bodies] == [OTHER.id]
        await rounds(worker, clock, MAX_REFUSALS)
        assert (await worker.health())["pager"] == ReceiverRows(0, 0.0, 1)
        assert worker.remark() == "pager refuses 1 alert, at last disk_broken of prod: it answers with status 400."


@pytest.mark.parametrize("place", range(3))
async def test_a_text_that_a_robot_refuses_by_its_code_holds_no_other(store: Store, clock: Clock, place: int) -> None:
    alerts = [replace(BROKEN, id=number, summary=f"disk {number}") for number in range(3)]
    alerts[place] = replace(alerts[place], summary="poison")
    async with (
        refusing_robot(poison=b"poison") as receiver,
        informing(store, clock, DINGTALK, receiver.url) as worker,
    ):
        await put(store, *alerts)
        await rounds(worker, clock, MAX_REFUSALS + 1)
        assert (await worker.health())["pager"] == ReceiverRows(0, 0.0, 1)
        assert worker.remark() == (
            "pager refuses 1 alert, at last disk_broken of prod: it refuses the message with code 430101."
        )
        await put(store, *(replace(BROKEN, id=number, summary=f"disk {number}") for number in (3, 4)))
        await worker.drain()
    posted = texts(receiver.bodies)
    assert sum(text.count("[cmbot]") for text in posted) == 4, "each of the others once"
    assert posted[-1].count("[cmbot]") == 2, "later ones come together again"


async def test_what_was_given_up_is_sent_again_after_a_start(store: Store, clock: Clock) -> None:
    """What the former settings were refused for may be taken now: under the same id, and what is over to who has it."""
    known, unknown = replace(BROKEN, id=20), replace(BROKEN, id=21)
    async with (
        recording_receiver() as receiver,
        informing(store, clock, ReceiverKind.WEBHOOK, receiver.url, secret="s") as worker,
    ):
        await put(store, known)
        await worker.drain()
        await put(store, BROKEN, resolved(known))
        await put(store, unknown)
        await put(store, resolved(unknown))
        async with store.begin() as uow:
            given_up = await uow.outputs.claim("pager", "x", clock.now, 60.0, 10)
            await uow.outputs.failed(given_up, "x", clock.now, error="no", retry_at=None, refusals=MAX_REFUSALS)
        await worker.drain()
        assert receiver.seen == 1
        async with store.begin() as uow:
            assert await uow.outputs.try_again(["elsewhere"]) == 0
            assert await uow.outputs.try_again(["pager"]) == 2
        await worker.drain()
        assert (await worker.health())["pager"] == ReceiverRows(0, 0.0, 1)
        async with store.begin() as uow:
            assert await uow.outputs.try_again(["pager"]) == 0
    events = {each.alert.id: each.event for each in given_up}
    assert [(body["alert"]["id"], body["alert"]["state"], body["event"]) for body in receiver.bodies[1:]] == [
        (known.id, AlertState.RESOLVED, events[known.id]),
        (BROKEN.id, AlertState.FIRING, events[BROKEN.id]),
    ]


async def test_what_another_replica_sent_is_no_failure_any_more(store: Store, clock: Clock) -> None:
    async with (
        recording_receiver(faults=[500]) as receiver,
        informing(store, clock, ReceiverKind.WEBHOOK, receiver.url) as one,
        informing(store, clock, ReceiverKind.WEBHOOK, receiver.url, owner="two") as two,
    ):
        await put(store, BROKEN)
        await one.drain()
        await two.drain()
        clock.now += 90
        await one.drain()
        assert (len(receiver.taken), one.remark()) == (1, "")


@asynccontextmanager
async def replicas(store: Store, clock: Clock, robot: RecordingReceiver) -> AsyncIterator[Sequence[OutputWorker]]:
    """Two replicas that tell one robot with the pace of the settings."""
    store.receivers = (Receiver("robot", DINGTALK),)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(HttpClient.opened(2.0))
        yield [
            OutputWorker(
                store,
                {"robot": RobotSender(ReceiverTarget("robot", robot.url), DINGTALK, client, clock)},
                owner=owner,
                clock=clock,
                random=lambda: 0.0,
                outage=SlackOutage(never_down),
            )
            for owner in ("one", "two")
        ]


def numbered(number: int) -> OutputAlert:
    return replace(BROKEN, id=number, summary=f"disk {number};", details=())


async def test_replicas_keep_the_pace_of_a_robot_together(store: Store, clock: Clock) -> None:
    """Also when one ends, with alerts that it has claimed."""
    async with recording_receiver(answer=TAKEN) as robot, replicas(store, clock, robot) as (one, two):
        for second in range(30):
            await put(store, numbered(second))
            await asyncio.gather(one.drain(), two.drain())
            clock.now += 1
        assert robot.seen == len(robot.taken)
        assert 5 <= robot.seen <= 10
        await put(store, numbered(30))
        async with store.begin() as uow:
            assert await uow.outputs.claim("robot", "one", clock.now, LEASE_SECONDS, 1)
        for _ in range(20):
            await two.drain()
            clock.now += LEASE_SECONDS / 15
    posted = "".join(texts(robot.bodies))
    assert [posted.count(f"disk {number};") for number in range(31)] == [1] * 31


async def test_a_robot_that_gets_too_much_rests_for_all_replicas(store: Store, clock: Clock) -> None:
    faults: list[int | str | bytes] = [b'{"errcode": 130101}']
    async with recording_receiver(answer=TAKEN, faults=faults) as robot, replicas(store, clock, robot) as (one, two):
        await put(store, BROKEN)
        await one.drain()
        clock.now += 50
        await two.drain()
        assert robot.seen == 1
        clock.now += 11
        await two.drain()
        assert robot.seen == 2


async def test_a_turn_that_a_wrong_clock_noted_holds_no_robot(store: Store, clock: Clock) -> None:
    async with store.begin() as uow:
        await uow.facts.rest("robot", clock.now + 86400)
    async with recording_receiver(answer=TAKEN) as robot, replicas(store, clock, robot) as (one, _):
        await put(store, BROKEN)
        await one.drain()
        assert len(robot.taken) == 1

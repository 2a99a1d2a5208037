"""Receivers get what they must know: over faults, restarts and several workers, on both databases."""

import asyncio
import re
from dataclasses import replace
from itertools import count, pairwise
from typing import Any

import pytest

from bot.alerting.model import AlertState, Severity
from bot.alerting.receivers import ReceiverKind, When
from bot.integrations.worker import LEASE_SECONDS, MAX_REFUSALS, SlackDown, SlackOutage
from bot.store.database import Store
from bot.store.repositories.outputs import ReceiverRows
from tests.support.databases import Clock
from tests.support.output_builders import BROKEN, drained, informing, put, resolved
from tests.support.receiver import recording_receiver

OK: dict[ReceiverKind, Any] = {
    ReceiverKind.WECOM: {"errcode": 0, "errmsg": "ok"},
    ReceiverKind.DINGTALK: {"errcode": 0, "errmsg": "ok"},
    ReceiverKind.FEISHU: {"code": 0, "msg": "success"},
}
WEBHOOK, ALERTMANAGER = ReceiverKind.WEBHOOK, ReceiverKind.ALERTMANAGER


@pytest.mark.parametrize("kind", ReceiverKind)
async def test_each_kind_hears_of_the_begin_and_the_end(store: Store, clock: Clock, kind: ReceiverKind) -> None:
    async with (
        recording_receiver(answer=OK.get(kind, {})) as receiver,
        informing(store, clock, kind, receiver.url, key="k", secret="s") as worker,
    ):
        await put(store, BROKEN)
        await worker.drain()
        clock.now += 20
        await put(store, resolved(BROKEN))
        await worker.drain()
        await worker.drain()
    first, last = (each.body.decode() for each in receiver.taken)
    assert "1 disk of prod is broken." in first
    assert any(word in last for word in ("resolve", "RESOLVED", "repaired"))


FAULTS: list[int | str | bytes] = [500, "reset", 429, 302, 401, 404]


@pytest.mark.parametrize("kind", ReceiverKind)
async def test_faults_lose_nothing(store: Store, clock: Clock, kind: ReceiverKind) -> None:
    """A receiver that failed gets them as soon as it takes alerts again, once."""
    async with (
        recording_receiver(answer=OK.get(kind, {}), faults=[*FAULTS]) as receiver,
        informing(store, clock, kind, receiver.url) as worker,
    ):
        await put(store, BROKEN)
        await drained(worker, clock)
        assert len(receiver.taken) == 1
        assert receiver.seen == len(FAULTS) + 1
        assert worker.remark() == ""
    assert worker.delivered == 1


async def test_every_call_is_counted_by_its_outcome(store: Store, clock: Clock) -> None:
    """A call that is refused with several alerts counts for none: each is sent alone then."""
    counted: list[tuple[str, str, int]] = []

    def count_it(receiver: str, outcome: str, alerts: int) -> None:
        counted.append((receiver, outcome, alerts))

    async with (
        recording_receiver(faults=[500, 400, 400]) as receiver,
        informing(store, clock, ALERTMANAGER, receiver.url, on_outcome=count_it) as worker,
    ):
        await put(store, BROKEN, replace(BROKEN, id=BROKEN.id + 1, key="other"))
        await drained(worker, clock)
        rows = (await worker.health())["pager"]
    assert counted[:3] == [("pager", "failed", 2), ("pager", "refused", 1), ("pager", "delivered", 1)]
    assert (rows.waiting, rows.dead) == (0, 0)


@pytest.mark.parametrize("kind", sorted(OK))
@pytest.mark.parametrize(
    "body",
    [
        b'{"errcode": 93000, "errmsg": "invalid webhook url"}',
        b'{"code": 19021}',
        b"",
        b"[]",
        b'{"errcode": false}',
        b"<html>",
    ],
)
async def test_a_robot_that_answers_200_with_a_refusal_gets_it_again(
    store: Store, clock: Clock, kind: ReceiverKind, body: bytes
) -> None:
    async with (
        recording_receiver(answer=OK[kind], faults=[body]) as receiver,
        informing(store, clock, kind, receiver.url) as worker,
    ):
        await put(store, BROKEN)
        await drained(worker, clock)
    assert len(receiver.taken) == 2  # the refused one, and the one that was taken


async def test_a_slow_receiver_is_named_and_gets_it_later(store: Store, clock: Clock) -> None:
    async with (
        recording_receiver(faults=["hang", 500]) as receiver,
        informing(store, clock, WEBHOOK, receiver.url, seconds=0.2) as worker,
    ):
        await put(store, BROKEN)
        await worker.drain()
        clock.now += 90
        assert (
            worker.remark() == "pager has not taken alerts for 1 min 30 s: it cannot be reached (it does not answer)."
        )
        await drained(worker, clock)
        assert len(receiver.taken) == 1


async def test_a_lost_answer_repeats_the_event_under_its_id(store: Store, clock: Clock) -> None:
    """A receiver of a webhook recognises what it has by the id."""
    async with (
        recording_receiver(faults=["late"]) as receiver,
        informing(store, clock, WEBHOOK, receiver.url, secret="s") as worker,
    ):
        await put(store, BROKEN)
        await drained(worker, clock)
        await put(store, resolved(BROKEN))
        await worker.drain()
    events = [each.headers["X-Cmbot-Event"] for each in receiver.taken]
    assert events[0] == events[1] != events[2]


async def test_an_alertmanager_hears_again_of_an_open_alert_before_it_expires(store: Store, clock: Clock) -> None:
    async with recording_receiver() as receiver, informing(store, clock, ALERTMANAGER, receiver.url) as worker:
        await put(store, BROKEN)
        for _ in range(4):
            await worker.drain()
            clock.now += 60
        await put(store, resolved(BROKEN, clock.now))
        for _ in range(4):
            await worker.drain()
            clock.now += 60
    (*open_ones, last) = [body[0] for body in receiver.bodies]
    assert len(open_ones) == 4
    assert all(each["endsAt"] > later["startsAt"] for each, later in pairwise(open_ones))
    assert [each["endsAt"][14:19] for each in open_ones] == ["17:20", "18:20", "19:20", "20:20"]
    assert last["endsAt"][14:19] == "17:20"
    assert {each["labels"]["alertname"] for each in (*open_ones, last)} == {"disk_broken"}


async def test_an_alert_that_changes_a_label_ends_under_the_former_ones(store: Store, clock: Clock) -> None:
    """Labels are the identity in Alertmanager: a warning that becomes critical is another alert there."""
    async with recording_receiver() as receiver, informing(store, clock, ALERTMANAGER, receiver.url) as worker:
        await put(store, replace(BROKEN, severity=Severity.WARNING))
        await worker.drain()
        await put(store, BROKEN)
        await worker.drain()
    first, second = receiver.bodies
    assert [each["labels"]["severity"] for each in first] == ["warning"]
    assert [each["labels"]["severity"] for each in second] == ["warning", "critical"]
    assert second[0]["endsAt"] < second[1]["endsAt"]


async def test_alerts_go_to_an_alertmanager_and_to_robots_in_one_call(store: Store, clock: Clock) -> None:
    many = [replace(BROKEN, id=number, subject=str(number)) for number in range(1, 21)]
    async with recording_receiver() as receiver, informing(store, clock, ALERTMANAGER, receiver.url) as worker:
        await put(store, *many)
        await worker.drain()
    assert [len(body) for body in receiver.bodies] == [20]


async def test_a_content_that_is_refused_is_given_up_and_holds_no_other(store: Store, clock: Clock) -> None:
    """One of several alerts in a call is at fault: each is sent alone. What was given up is named while it is open."""
    async with (
        recording_receiver(poison=b"poison") as receiver,
        informing(store, clock, ALERTMANAGER, receiver.url) as worker,
    ):
        await put(store, replace(BROKEN, id=16, subject="a"), replace(BROKEN, summary="poison"))
        await put(store, replace(BROKEN, id=18, subject="b"))
        for _ in range(MAX_REFUSALS):
            await worker.drain()
            clock.now += 200
        assert (await worker.health())["pager"] == ReceiverRows(0, 0.0, 1)
        assert worker.remark() == "pager refuses 1 alert, at last disk_broken of prod: it answers with status 400."
        await put(store, replace(BROKEN, summary="Fine again."))
        await worker.drain()
        await worker.health()
        assert worker.remark() == ""
    informed_of = {
        (each["labels"].get("subject"), each["annotations"]["summary"]) for body in receiver.bodies for each in body
    }
    assert informed_of == {("a", BROKEN.summary), ("b", BROKEN.summary), (None, "Fine again.")}


async def test_pagerduty_triggers_acknowledges_and_resolves_one_incident(store: Store, clock: Clock) -> None:
    async with (
        recording_receiver() as receiver,
        informing(store, clock, ReceiverKind.PAGERDUTY, receiver.url, key="routing") as worker,
    ):
        for alert in (
            BROKEN,
            replace(BROKEN, summary="2 disks of prod are broken."),
            replace(BROKEN, state=AlertState.ACKNOWLEDGED, acked_by="U1"),
            resolved(BROKEN),
        ):
            await put(store, alert)
            await worker.drain()
    assert [body["event_action"] for body in receiver.bodies] == ["trigger", "trigger", "acknowledge", "resolve"]
    assert {body["dedup_key"] for body in receiver.bodies} == {BROKEN.key}
    assert {body["routing_key"] for body in receiver.bodies} == {"routing"}


async def test_only_what_a_receiver_takes_goes_to_it(store: Store, clock: Clock) -> None:
    """By cluster and severity; one that has an alert hears of its end, at any severity."""
    only = {"clusters": frozenset({"prod"}), "severity": Severity.CRITICAL}
    mild = replace(BROKEN, id=18, severity=Severity.WARNING)
    elsewhere = replace(BROKEN, id=19, cluster="test")
    async with (
        recording_receiver() as receiver,
        informing(store, clock, WEBHOOK, receiver.url, receiver=only) as worker,
    ):
        await put(store, BROKEN, mild, elsewhere)
        await worker.drain()
        await put(store, resolved(replace(BROKEN, severity=Severity.INFO)), resolved(mild), resolved(elsewhere))
        await worker.drain()
    assert [(body["alert"]["id"], body["alert"]["state"]) for body in receiver.bodies] == [
        (17, "firing"),
        (17, "resolved"),
    ]


async def test_after_an_outage_only_the_present_state_is_sent(store: Store, clock: Clock) -> None:
    async with (
        recording_receiver(answer=OK[ReceiverKind.WECOM], faults=[503, 503]) as receiver,
        informing(store, clock, ReceiverKind.WECOM, receiver.url) as worker,
    ):
        await put(store, BROKEN)
        await worker.drain()
        await put(store, resolved(BROKEN))
        await drained(worker, clock)
    (body,) = receiver.bodies
    assert body["text"]["content"] == "[cmbot] RESOLVED prod disk_broken: The disk was repaired. (after 2 min)"


async def test_a_worker_that_died_leaves_nothing_unsent(store: Store, clock: Clock) -> None:
    """Its claims end, and another one tells the rows; while it lives, the other leaves them alone."""
    async with recording_receiver(faults=["hang"]) as receiver:
        async with informing(store, clock, WEBHOOK, receiver.url, seconds=30) as first:
            await put(store, BROKEN)
            running = asyncio.create_task(first.run())
            await receiver.called.wait()
            async with informing(store, clock, WEBHOOK, receiver.url, owner="two") as second:
                await second.drain()
                assert receiver.seen == 1
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                clock.now += LEASE_SECONDS + 1
                await second.drain()
    assert len(receiver.taken) == 1


async def test_two_workers_tell_each_alert_once(store: Store, clock: Clock) -> None:
    many = [replace(BROKEN, id=number) for number in range(1, 16)]
    async with (
        recording_receiver() as receiver,
        informing(store, clock, WEBHOOK, receiver.url) as one,
        informing(store, clock, WEBHOOK, receiver.url, owner="two") as two,
    ):
        await put(store, *many)
        for _ in range(len(many) + 5):
            await asyncio.gather(one.drain(), two.drain())
    assert sorted(body["alert"]["id"] for body in receiver.bodies) == list(range(1, 16))


async def test_while_slack_is_down_the_most_severe_go_out(store: Store, clock: Clock) -> None:
    """Only what changed since the outage began, only after its time; the end of what was sent follows later."""
    down: list[SlackDown | None] = [None]

    async def seen(_: float) -> SlackDown | None:
        return down[0]

    outage = SlackOutage(seen, 300.0, frozenset({"pager"}))
    only = {"severity": Severity.CRITICAL, "when": When.SLACK_DOWN}
    known = replace(BROKEN, id=16)
    async with (
        recording_receiver() as receiver,
        informing(store, clock, WEBHOOK, receiver.url, outage=outage, receiver=only) as worker,
    ):
        await put(store, known)
        clock.now += 60
        down[0] = SlackDown(clock.now, clock.now)
        await put(store, BROKEN)
        clock.now += 299
        await worker.drain()
        assert receiver.taken == []
        clock.now += 1
        await worker.drain()
        assert worker.remark() == "Slack cannot be reached for 5 min: alerts go to pager."
        await put(store, replace(BROKEN, id=18), replace(BROKEN, id=19, severity=Severity.WARNING))
        await worker.drain()
        down[0] = None
        await put(store, resolved(BROKEN), resolved(known))
        await worker.drain()
        assert worker.remark() == ""
    informed_of = [(body["alert"]["id"], body["alert"]["state"]) for body in receiver.bodies]
    assert informed_of == [(17, "firing"), (18, "firing"), (17, "resolved")]


async def test_no_secret_is_logged(store: Store, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither an address, which has the key of a robot in it, nor a secret."""
    for fault, number in zip(("reset", 500, 400, b"nonsense"), count(100), strict=False):
        async with (
            recording_receiver(faults=[fault]) as receiver,
            informing(
                store, clock, ReceiverKind.DINGTALK, f"{receiver.url}/robot/SECRETKEY", secret="SIGNSECRET"
            ) as worker,
        ):
            await put(store, replace(BROKEN, id=number))
            await worker.drain()
            assert not re.search("SECRETKEY|SIGNSECRET", worker.remark() + repr(worker.senders))
    written = capsys.readouterr()
    assert not re.search("SECRETKEY|SIGNSECRET", written.out + written.err)


async def test_hostile_text_stays_text(store: Store, clock: Clock) -> None:
    """A robot of Feishu reads tags; other receivers get the text as it is."""
    hostile = replace(BROKEN, summary='<at user_id="all">all</at> @all', details=("\ud800<!channel>",))
    async with (
        recording_receiver(answer=OK[ReceiverKind.FEISHU]) as receiver,
        informing(store, clock, ReceiverKind.FEISHU, receiver.url) as worker,
    ):
        await put(store, hostile)
        await worker.drain()
    assert "<" not in receiver.bodies[0]["content"]["text"]

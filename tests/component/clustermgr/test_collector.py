"""One look at all hosts: each answer or error kept, the deadline held, nothing left running."""

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any, cast

import pytest

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.collector import snapshots, take_snapshot
from bot.clustermgr.dialect import detect_dialect
from bot.clustermgr.give_way import giving_way
from bot.clustermgr.models import Disk, Stat
from bot.common.errors import ClusterBadAnswer, ClusterFailed, ClusterTimeout, ClusterUnreachable, NoLeader
from bot.views.dialect_text import evidence_text
from tests.support.raw_server import Handler, Request, answer, hangs, refusing, says, serving

pytestmark = pytest.mark.fast_time


def stat(node: int, leader: int, term: int = 3) -> dict[str, Any]:
    return {"leader_host": "", "raft_status": {"nodeId": node, "term": term, "leader": leader}}


def host(node: int, leader: int, disks: tuple[int, ...] = ()) -> Handler:
    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        body: dict[str, Any] = stat(node, leader)
        if request.target.startswith("/disk/list"):
            status = int(request.target.partition("status=")[2].partition("&")[0])
            body = {"disks": [{"disk_id": one, "status": status} for one in disks if status == 2], "marker": 0}
        if request.target.startswith("/config/get"):
            writer.write(answer(404, "x", [("Content-Type", "application/json")], b'{"error":"Not Found"}'))
        else:
            writer.write(answer(200, "OK", [("Content-Type", "application/json")], json.dumps(body).encode()))
        await writer.drain()

    return handle


async def test_every_answer_and_every_error_is_kept() -> None:
    """A healthy leader, a hanging host, a refusing one and one that talks rubbish, all in one look."""
    async with AsyncExitStack() as stack:
        leader = await stack.enter_async_context(serving(host(1, 1, disks=(7, 8))))
        slow = await stack.enter_async_context(serving(hangs))
        dead = await stack.enter_async_context(refusing())
        odd = await stack.enter_async_context(serving(says(200, "<html>")))
        hosts = (leader.host, slow.host, dead, odd.host)
        api = await stack.enter_async_context(ClustermgrClient(hosts))
        snapshot = await take_snapshot(api, "prod", now=100.0, deadline=0.5, switches=("balance",))
    assert [type(answer.error) for answer in snapshot.answers] == [
        type(None),
        ClusterTimeout,
        ClusterUnreachable,
        ClusterBadAnswer,
    ]
    assert snapshot.leader is not None
    assert snapshot.leader[0] == leader.host
    assert [disk.disk_id for disk in snapshot.bad_disks or ()] == [7, 8]
    assert snapshot.switches == {"balance": None}
    assert (snapshot.cluster, snapshot.at) == ("prod", 100.0)


async def test_disks_of_the_last_leader_are_listed_while_it_is_asked_if_it_leads() -> None:
    """The list does not wait for the hosts; it counts, because the host is seen to lead still."""
    listed = asyncio.Event()

    async def leader(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.target.startswith("/disk/list"):
            listed.set()
        else:
            await listed.wait()
        await host(1, 1, disks=(7,))(request, writer)

    async with serving(leader) as one, serving(host(2, 1)) as two, ClustermgrClient([one.host, two.host]) as api:
        snapshot = await take_snapshot(api, "prod", now=1.0, deadline=5.0, leader=one.host)
    assert [disk.disk_id for disk in snapshot.bad_disks or ()] == [7]
    assert snapshot.complete


async def test_early_list_that_failed_is_read_again_from_the_host_that_leads() -> None:
    """A leader without a quorum refuses the list; then it leads again, and says so."""
    asked = 0

    async def leader(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += request.target.startswith("/disk/list")
        if asked == 1 and request.target.startswith("/disk/list"):
            await says(908, '{"error":"no leader"}')(request, writer)
        else:
            await host(1, 1, disks=(7,))(request, writer)

    async with serving(leader) as one, ClustermgrClient([one.host]) as api:
        snapshot = await take_snapshot(api, "prod", now=1.0, deadline=5.0, leader=one.host)
    assert [disk.disk_id for disk in snapshot.bad_disks or ()] == [7]


@pytest.mark.parametrize("led", ["old", "hangs", "gone"])
async def test_list_of_a_host_that_leads_no_more_does_not_count(led: str) -> None:
    """The new leader is read; a host that lost its leadership, hangs or is no longer configured delays nothing."""

    async def hanging(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.target.startswith("/disk/list"):
            await hangs(request, writer)
        await host(2, 1)(request, writer)

    async with (
        serving(host(1, 1, disks=(7,))) as new,
        serving(host(2, 1, disks=(8, 9))) as old,
        serving(hanging) as hung,
        ClustermgrClient([new.host, old.host, hung.host]) as api,
    ):
        before = {"old": old.host, "hangs": hung.host, "gone": "127.0.0.1:1"}[led]
        snapshot = await take_snapshot(api, "prod", now=1.0, deadline=5.0, leader=before)
    assert [disk.disk_id for disk in snapshot.bad_disks or ()] == [7]
    assert snapshot.complete


async def test_all_hosts_silent() -> None:
    """Even then a Snapshot comes, and says who was silent; disks are unknown, not none."""
    async with serving(hangs) as one, serving(hangs) as two, ClustermgrClient([one.host, two.host]) as api:
        snapshot = await take_snapshot(api, "prod", now=1.0, deadline=0.2)
    assert len(snapshot.silent) == 2
    assert snapshot.bad_disks is None
    assert isinstance(snapshot.disks_error, ClusterTimeout)


async def test_late_host_completes_the_first_poll() -> None:
    """A snapshot at the first deadline, and another one when the slow host has answered."""
    release = asyncio.Event()
    quick = host(2, 1)

    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        await host(1, 1)(request, writer)

    async with serving(slow) as leader, serving(quick) as follower:
        async with ClustermgrClient([leader.host, follower.host]) as api:
            seen = []
            async for snapshot in snapshots(api, "prod", now=1.0, deadlines=(0.3, 30.0)):
                seen.append(snapshot)
                release.set()
    assert [len(snapshot.answered) for snapshot in seen] == [1, 2]
    assert seen[0].leader is None
    assert seen[1].leader is not None


async def test_leaving_early_leaves_nothing_running() -> None:
    """A caller that stops after the first snapshot leaves no task behind."""
    before = asyncio.all_tasks()
    async with serving(hangs) as one, ClustermgrClient([one.host]) as api:
        answers = snapshots(api, "prod", now=1.0, deadlines=(0.1, 60.0))
        await anext(answers)
        await answers.aclose()
    assert {task for task in asyncio.all_tasks() if not task.done()} <= before


async def test_bad_disks_are_unknown_while_no_leader_answers() -> None:
    """A follower may not know all disks: an empty list of it would end the alert of a broken disk."""
    async with serving(says(502)) as leader, serving(host(2, 1)) as follower:
        async with ClustermgrClient([leader.host, follower.host]) as api:
            snapshot = await take_snapshot(api, "prod", now=1.0, deadline=5.0)
    assert (snapshot.leader, snapshot.bad_disks) == (None, None)
    assert isinstance(snapshot.disks_error, NoLeader)


async def test_bad_disks_of_a_failing_leader_are_not_those_of_another_host() -> None:
    async def fails(request: Request, writer: asyncio.StreamWriter) -> None:
        await (host(1, 1) if request.target == "/stat" else says(502))(request, writer)

    async with serving(fails) as leader, serving(host(2, 1)) as follower:
        async with ClustermgrClient([leader.host, follower.host]) as api:
            snapshot = await take_snapshot(api, "prod", now=1.0, deadline=5.0)
    assert snapshot.bad_disks is None
    assert isinstance(snapshot.disks_error, ClusterFailed)
    assert not any(request.target.startswith("/disk") for request in follower.requests)


async def test_bad_disks_are_those_of_the_leader_beside_a_removed_host_that_claims_to_lead() -> None:
    """The removed host answers first, in a term that is over, and knows no disk."""
    gone = asyncio.Event()

    async def late(request: Request, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        await host(1, 1, disks=(7,))(request, writer)

    async def removed(request: Request, writer: asyncio.StreamWriter) -> None:
        body: dict[str, Any] = stat(9, 9, term=2) if request.target == "/stat" else {"disks": [], "marker": 0}
        await says(200, json.dumps(body))(request, writer)
        gone.set()

    async with serving(late) as leader, serving(removed) as old, serving(host(2, 1)) as follower:
        async with ClustermgrClient([old.host, leader.host, follower.host]) as api:
            snapshot = await take_snapshot(api, "prod", now=1.0, deadline=5.0)
    assert [disk.disk_id for disk in snapshot.bad_disks or ()] == [7]


@pytest.mark.parametrize("disks", [(5,), ()])
async def test_bad_disks_are_asked_though_the_leader_is_not_configured(
    monkeypatch: pytest.MonkeyPatch, disks: tuple[int, ...]
) -> None:
    """No host claims leadership and one hangs: a host that answered is read; its empty list proves nothing."""
    monkeypatch.setattr("bot.clustermgr.collector.LEADER_WAIT_SECONDS", 0.05)
    monkeypatch.setattr("bot.clustermgr.collector.SLOW_LEADER_SECONDS", 0.1)
    async with serving(hangs) as slow, serving(host(2, 9, disks=disks)) as follower:
        async with ClustermgrClient([slow.host, follower.host]) as api:
            snapshot = await take_snapshot(api, "prod", now=1.0, deadline=2.0)
    assert snapshot.leader is None
    found = None if snapshot.bad_disks is None else tuple(disk.disk_id for disk in snapshot.bad_disks)
    assert found == (disks or None)


async def test_disks_of_another_state_are_no_bad_disks() -> None:
    """A server that does not know the filter lists all disks; those of state 1 and 4 are left out."""
    listed = [{"disk_id": number, "status": number} for number in range(1, 6)]

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        body = {"disks": listed, "marker": 0} if request.target.startswith("/disk") else stat(1, 1)
        await says(200, json.dumps(body))(request, writer)

    async with serving(handle) as one, ClustermgrClient([one.host]) as api:
        snapshot = await take_snapshot(api, "prod", now=1.0, deadline=10.0)
    assert [disk.disk_id for disk in snapshot.bad_disks or ()] == [2, 3]


class Moving:
    """A ClustermgrClient whose one bad disk goes from broken to repairing while the broken ones are asked for."""

    hosts = ("a:1",)
    now = 2

    async def stat(self, host: str) -> Stat:
        assert host in self.hosts
        return Stat.model_validate(stat(1, 1))

    async def disk_list(self, *, status: int, **_: object) -> tuple[Disk, ...]:
        if status == 2:
            await asyncio.sleep(0)
            self.now = 3
        return (Disk(disk_id=7, status=status),) if status == self.now else ()


async def test_disk_that_changes_state_while_read_is_kept() -> None:
    """Asked for both states at once it would be in neither list, and its alert would end."""
    snapshot = await take_snapshot(cast("ClustermgrClient", Moving()), "prod", now=1.0, deadline=10.0)
    assert [(disk.disk_id, disk.status) for disk in snapshot.bad_disks or ()] == [(7, 3)]


async def test_a_cancelled_poll_leaves_nothing_running() -> None:
    """A cancelled caller gets its cancellation, and no read keeps running."""
    before = asyncio.all_tasks()
    asked = asyncio.Event()

    async def hang(_request: Request, _writer: asyncio.StreamWriter) -> None:
        asked.set()
        await asyncio.Event().wait()

    async with serving(hang) as one, ClustermgrClient([one.host]) as api:
        looking = asyncio.create_task(take_snapshot(api, "prod", now=1.0, deadline=60.0, switches=("balance",)))
        await asked.wait()
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
    assert {task for task in asyncio.all_tasks() if not task.done()} <= before


class Broken:
    """A ClustermgrClient with a mistake of ours in it."""

    hosts = ("a:1",)

    async def stat(self, host: str) -> Stat:
        raise KeyError(host)


async def test_internal_error_is_not_reported_as_silent_host() -> None:
    """Only what a cluster does becomes part of the look."""
    with pytest.raises(KeyError):
        await take_snapshot(cast("ClustermgrClient", Broken()), "prod", now=1.0, deadline=5.0, bad_disks=False)


PAGE_404 = says(404, "404 page not found", kind="text/plain; charset=utf-8")


def speaks(kv: Handler, config: Handler, value: str = "") -> Handler:
    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.target.startswith("/kv/list"):
            await kv(request, writer)
        elif request.target.startswith("/config/list"):
            await config(request, writer)
        elif value:
            await says(200, json.dumps(value))(request, writer)
        else:
            await says(404, '{"error":"Not Found"}')(request, writer)

    return handle


V3 = speaks(says(200, '{"kvs":[],"marker":""}'), PAGE_404)
V1 = speaks(PAGE_404, says(200, '{"configs":{}}'))
MUTE = speaks(says(500), says(500))


@pytest.mark.parametrize(
    ("hosts", "dialect"),
    [
        ([V3, V3], "v3"),
        ([V1, V1], "v1"),
        ([V1, hangs], "v1"),
        ([V1, speaks(PAGE_404, says(200, "{}"))], "v1"),
        ([V1, speaks(PAGE_404, says(200, '{"configs":null}'))], "v1"),
        ([V1, speaks(PAGE_404, says(200, '{"configs":{"balance":null}}'))], "v1"),
        ([V1, speaks(PAGE_404, says(200, "[[[]]]"))], "v1"),
        ([speaks(PAGE_404, says(200, "{}"))], "v1"),
        ([V3, V1], None),
        ([speaks(PAGE_404, PAGE_404, "Enable")], "v1"),
        ([speaks(PAGE_404, PAGE_404, "true")], "v3"),
        ([speaks(PAGE_404, PAGE_404, "maybe")], None),
        ([speaks(PAGE_404, PAGE_404)], None),
        ([MUTE], None),
        ([hangs], None),
    ],
)
async def test_the_dialect_is_found_out_or_left_open(hosts: list[Handler], dialect: str | None) -> None:
    """Two signs and the stored values tell it; hosts that differ, or silence, leave it to the person."""
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serving(handler)) for handler in hosts]
        api = await stack.enter_async_context(ClustermgrClient([server.host for server in servers]))
        # Who answers must answer in time on a busy machine too; who hangs takes all of the time.
        verdict = await detect_dialect(api, deadline=1.5 if hangs in hosts else 10.0)
    assert verdict.dialect == dialect
    assert evidence_text(verdict.evidence).endswith(".")


async def test_silent_hosts_are_not_asked_a_second_time() -> None:
    """Who did not answer the probe in time is not asked for values too: the deadline is one for all."""
    async with serving(hangs) as one, ClustermgrClient([one.host]) as api:
        verdict = await detect_dialect(api, deadline=0.2)
    assert [request.target.partition("?")[0] for request in one.requests] == ["/kv/list"]
    assert f"{one.host} gave no answer" in evidence_text(verdict.evidence)


async def test_reads_that_give_way_begin_after_other_work() -> None:
    """The hosts answer for themselves at once; the list of disks is read later, and that of a command at once."""
    asked: list[str] = []
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def logged(request: Request, writer: asyncio.StreamWriter) -> None:
        asked.append(request.target.partition("?")[0])
        await host(1, 1, disks=(7,))(request, writer)

    async def wait() -> None:
        reached.set()
        await go_on.wait()

    async with serving(logged) as server, ClustermgrClient((server.host,)) as api:
        with giving_way(wait):
            poll = asyncio.create_task(take_snapshot(api, "prod", now=100.0, deadline=60.0))
        await reached.wait()
        assert asked == ["/stat"]
        command = await take_snapshot(api, "prod", now=100.0, deadline=60.0)
        assert [disk.disk_id for disk in command.bad_disks or ()] == [7]
        assert asked == ["/stat", "/stat", "/disk/list", "/disk/list"]
        go_on.set()
        snapshot = await poll
    assert [disk.disk_id for disk in snapshot.bad_disks or ()] == [7]

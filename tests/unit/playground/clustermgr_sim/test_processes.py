"""Killing, pausing, isolating and starting nodes, and the faults that can be ordered."""

import asyncio
import socket
from typing import Any

import aiohttp
import pytest

from bot.playground.clustermgr_sim import NotPossible, SimulatedCluster, Timing


async def test_a_killed_leader_is_replaced_after_the_election_timeout(caller: Any) -> None:
    await caller.cluster.kill(1)
    with pytest.raises(aiohttp.ClientConnectorError):
        await caller.get(1, "/stat")
    assert (await caller.post(2, "/config/set", key="k", value="v"))[0] == 502
    caller.wait(10)
    assert caller.cluster.leader == 2
    rows = {peer["id"]: peer for peer in (await caller.stat(2))["raft_status"]["peers"]}
    assert (rows[1]["state"], rows[1]["match"], rows[1]["active"]) == ("StateProbe", 0, False)
    assert rows[2]["active"] is False
    await caller.cluster.start(1)
    assert (await caller.stat(1))["raft_status"]["leader"] == 2


async def test_a_dead_follower_stays_replicating_and_falls_behind(caller: Any) -> None:
    await caller.cluster.kill(3)
    for value in "abcd":
        await caller.post(1, "/config/set", key="k", value=value)
    row = next(peer for peer in (await caller.stat(1))["raft_status"]["peers"] if peer["id"] == 3)
    assert (row["state"], row["match"], row["next"], row["inflight_count"], row["active"]) == (
        "StateReplicate", 3, 8, 4, True,
    )  # fmt: skip
    caller.wait(10)
    row = next(peer for peer in (await caller.stat(1))["raft_status"]["peers"] if peer["id"] == 3)
    assert row["active"] is False


async def test_node_started_without_quorum_opens_its_port_later(caller: Any) -> None:
    for node in (1, 2, 3):
        await caller.cluster.kill(node)
    await caller.cluster.start(1)
    with pytest.raises(aiohttp.ClientConnectorError):
        await caller.get(1, "/stat")
    await caller.cluster.start(3)
    caller.wait(10)
    await caller.cluster.tick()
    assert (await caller.stat(1))["raft_status"]["leader"] == caller.cluster.leader != 0


async def test_a_paused_node_answers_when_it_goes_on(caller: Any) -> None:
    await caller.cluster.pause(1)
    waiting = asyncio.create_task(caller.post(1, "/config/set", key="k", value="v"))
    caller.wait(10)
    assert (await caller.stat(2))["raft_status"]["leader"] == 2
    assert not waiting.done()
    await caller.cluster.resume(1)
    assert await waiting == (200, "")
    assert caller.cluster.data.kv["k"] == "v"


async def test_an_isolated_leader_claims_to_lead_until_its_timeout(caller: Any) -> None:
    await caller.cluster.isolate(1)
    caller.wait(9)
    assert (await caller.stat(1))["raft_status"]["raft_state"] == "StateLeader"
    caller.wait(1)
    assert (await caller.stat(1))["raft_status"]["raft_state"] == "StatePreCandidate"
    assert caller.cluster.leader == 2
    await caller.cluster.rejoin(1)
    assert (await caller.stat(1))["raft_status"]["leader"] == 2


async def test_elect_makes_a_new_term_or_refuses(caller: Any) -> None:
    await caller.cluster.elect(3)
    assert (caller.cluster.leader, caller.cluster.nodes[0].term) == (3, 2)
    await caller.cluster.kill(2)
    with pytest.raises(NotPossible):
        await caller.cluster.elect(2)


async def test_a_fresh_leader_holds_every_request(make: Any) -> None:
    caller = await make(timing=Timing(hold=8))
    await caller.cluster.elect(2)
    before = caller.cluster.clock.now()
    await caller.stat(3)
    assert caller.cluster.clock.now() == before
    await caller.stat(2)
    assert caller.cluster.clock.now() == before + 8


async def test_a_lost_reply_is_executed_once(caller: Any) -> None:
    caller.cluster.lose_replies(path="/config/set")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await caller.post(2, "/config/set", key="k", value="v")
    assert caller.cluster.data.kv["k"] == "v"
    seen = caller.cluster.log.matching("POST", "/config/set")
    assert [(one.node, one.status) for one in seen] == [(2, 0)]
    assert await caller.get(1, "/config/get?key=k") == (200, '"v"')


async def test_an_ordered_failure_is_not_executed(caller: Any) -> None:
    caller.cluster.fail_next(908, path="/config/set", words="raft read index error")
    assert await caller.post(1, "/config/set", key="k", value="v") == (908, '{"error":"raft read index error"}')
    assert "k" not in caller.cluster.data.kv


async def test_garbled_answer_is_no_json_and_truncated_is_half(caller: Any) -> None:
    whole = (await caller.get(2, "/stat"))[1]
    caller.cluster.garble(path="/stat")
    assert "not json" in (await caller.get(2, "/stat"))[1]
    caller.cluster.garble(path="/stat", truncate=True)
    assert len((await caller.get(2, "/stat"))[1]) == len(whole) // 2


async def test_a_slow_node_executes_at_once_and_answers_late(caller: Any) -> None:
    caller.cluster.slow(2, 30)
    before = caller.cluster.clock.now()
    await caller.get(2, "/stat")
    assert caller.cluster.clock.now() == before + 30


async def test_held_requests_are_logged_and_executed_when_the_hold_ends(caller: Any) -> None:
    cluster = caller.cluster
    with cluster.holding(lambda seen: seen.method == "POST"):
        waiting = asyncio.create_task(caller.post(1, "/config/set", key="k", value="v"))
        await cluster.until(lambda: bool(cluster.log.matching(method="POST")))
        assert (await caller.get(2, "/stat"))[0] == 200
        assert "k" not in cluster.data.kv
    assert (await waiting)[0] == 200
    assert cluster.data.kv["k"] == "v"
    assert (await caller.post(1, "/config/set", key="k", value="w"))[0] == 200


async def test_chunked_body_drops_the_connection_on_newest_release_only(make: Any) -> None:
    async def body() -> Any:
        yield b'{"key":"k","value":"v"}'

    for flavour in ("v1", "master"):
        caller = await make(flavour=flavour)
        url = caller.cluster.host(1) + "/config/set"
        if flavour == "master":
            with pytest.raises(aiohttp.ServerDisconnectedError):
                await caller.session.post(url, data=body(), headers={"Content-Type": "application/json"})
            continue
        async with caller.session.post(url, data=body(), headers={"Content-Type": "application/json"}) as response:
            assert response.status == 200


async def test_a_form_type_is_eof_on_later_releases(caller: Any) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    async with caller.session.post(caller.cluster.host(1) + "/config/set", data=b"{}", headers=form) as response:
        assert (response.status, await response.json()) == (400, {"error": "EOF", "code": "Argument"})


async def test_the_trace_id_is_the_one_asked_for(caller: Any) -> None:
    async with caller.session.get(caller.cluster.host(1) + "/stat", headers={"X-Reqid": "mine"}) as response:
        assert response.headers["Blobstore-Tracer-Traceid"] == "mine"
        assert "Server" not in response.headers


async def test_on_the_real_clock_a_new_leader_comes_by_itself() -> None:
    async with SimulatedCluster(timing=Timing().scaled(0.01)) as cluster:
        await cluster.kill(1)
        await cluster.until(lambda: cluster.leader != 0)
        assert cluster.leader == 2


async def test_killed_node_cuts_its_answers(caller: Any) -> None:
    await caller.cluster.pause(2)
    waiting = asyncio.create_task(caller.get(2, "/stat"))
    await caller.cluster.until(lambda: bool(caller.cluster.log.matching(node=2)))
    await caller.cluster.kill(2)
    with pytest.raises(aiohttp.ClientError):
        await waiting
    await caller.cluster.start(2)
    assert (await caller.get(2, "/stat"))[0] == 200


async def test_write_forwarded_to_a_dying_leader_is_a_bad_gateway(make: Any) -> None:
    caller = await make(leader=2)
    for node in (1, 3):
        await caller.cluster.isolate(node)
    await caller.cluster.pause(2)
    waiting = asyncio.create_task(caller.post(1, "/config/set", key="k", value="v"))
    await caller.cluster.until(lambda: bool(caller.cluster.log.matching(node=1)))
    await caller.cluster.kill(2)
    assert (await waiting)[0] == 502


async def test_heartbeats_move_the_commit_index_when_drift_is_set(make: Any) -> None:
    caller = await make(timing=Timing(drift=0.5))
    caller.wait(60)
    assert (await caller.stat(2))["raft_status"]["commit"] == 33


async def test_a_taken_port_is_an_error_and_leaves_nothing_open() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(OSError, match="in use"):
            SimulatedCluster(nodes=2, ports=(0, other.getsockname()[1]))


async def test_dead_peer_may_poll_active_after_an_election(make: Any) -> None:
    caller = await make(timing=Timing(ghost=4))
    await caller.cluster.kill(1)
    caller.wait(10)
    for seconds, active in ((0, True), (4, False)):
        caller.wait(seconds)
        row = next(peer for peer in (await caller.stat(2))["raft_status"]["peers"] if peer["id"] == 1)
        assert (row["active"], row["state"], row["paused"]) == (active, "StateProbe", True)


async def test_port_of_a_dead_node_stays_reserved() -> None:
    """A second cluster that wants the port of a killed node does not get it: it would answer for the dead one."""
    async with SimulatedCluster() as cluster:
        await cluster.kill(1)
        port = int(cluster.host(1).rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            SimulatedCluster(ports=[port])

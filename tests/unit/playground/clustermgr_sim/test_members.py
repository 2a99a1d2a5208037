"""Members, transfers and quorum: what the real servers allow, and what becomes of it."""

from typing import Any

import pytest

from bot.playground.clustermgr_sim import NotPossible, Timing

LEARNER, NORMAL = 1, 2


def peers(stat: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {peer["id"]: peer for peer in stat["raft_status"]["peers"]}


async def test_the_leader_cannot_be_removed(caller: Any) -> None:
    assert await caller.post(2, "/member/remove", peer_id=1) == (400, '{"error":"Request Not Allow"}')


async def test_a_known_id_or_host_is_a_duplicate(caller: Any) -> None:
    args = {"member_type": LEARNER, "node_host": "x"}
    assert (await caller.post(1, "/member/add", peer_id=3, host="new:1", **args))[0] == 910
    assert (await caller.post(1, "/member/add", peer_id=9, host="127.0.0.1:10111", **args))[0] == 910


async def test_a_learner_catches_up_once_its_process_runs(make: Any) -> None:
    caller = await make(timing=Timing(catch_up=5))
    await caller.post(1, "/member/add", peer_id=4, host="h:4", member_type=LEARNER, node_host="127.0.0.1:4")
    assert peers(await caller.stat(1))[4]["state"] == "StateProbe"
    await caller.cluster.add_node(4)
    row = peers(await caller.stat(1))[4]
    assert (row["state"], row["pending_snapshot"] > 0, row["match"]) == ("StateSnapshot", True, 0)
    caller.wait(5)
    row = peers(await caller.stat(1))[4]
    assert (row["state"], row["is_learner"], row["match"]) == ("StateReplicate", True, 4)
    assert (await caller.stat(4))["raft_status"]["leader"] == 1


async def test_transfer_to_learner_or_leader_does_nothing(caller: Any) -> None:
    await caller.post(1, "/member/add", peer_id=4, host="h:4", member_type=LEARNER, node_host="n:4")
    for target in (4, 1):
        assert await caller.post(1, "/leadership/transfer", peer_id=target) == (200, "")
        assert (await caller.stat(1))["raft_status"]["transferee"] == 0
    assert caller.cluster.leader == 1


async def test_a_transfer_moves_the_leader_within_its_time(caller: Any) -> None:
    await caller.post(3, "/leadership/transfer", peer_id=2)
    assert (await caller.stat(1))["raft_status"]["transferee"] == 2
    caller.wait(1)
    stat = await caller.stat(2)
    assert (stat["raft_status"]["leader"], stat["raft_status"]["term"]) == (2, 2)
    assert stat["leader_host"] == caller.cluster.host(2).removeprefix("http://")


async def test_transfer_to_a_dead_voter_blocks_writes(caller: Any) -> None:
    await caller.cluster.kill(3)
    assert await caller.post(1, "/leadership/transfer", peer_id=3) == (200, "")
    before = caller.cluster.clock.now()
    assert await caller.post(1, "/config/set", key="k", value="v") == (906, '{"error":"raft propose error"}')
    assert caller.cluster.clock.now() - before == pytest.approx(10, abs=0.2)
    assert await caller.post(1, "/config/set", key="k", value="w") == (200, "")
    assert caller.cluster.data.kv["k"] == "w"


async def test_write_without_quorum_is_applied_later(make: Any) -> None:
    caller = await make(leader=2)
    await caller.cluster.lose_quorum()
    assert (await caller.post(2, "/config/set", key="k", value="late"))[0] == 906
    assert (await caller.get(2, "/config/get?key=k"))[0] == 908
    assert (await caller.post(2, "/config/set", key="k", value="no"))[0] == 907
    stat = await caller.stat(2)
    assert (stat["leader_host"], stat["raft_status"]["leader"], stat["raft_status"]["peers"]) == ("", 0, None)
    await caller.cluster.restore()
    caller.wait(10)
    assert await caller.get(1, "/config/get?key=k") == (200, '"late"')


async def test_removing_the_healthy_one_of_two_loses_the_leader(caller: Any) -> None:
    await caller.cluster.kill(2)
    assert await caller.post(1, "/member/remove", peer_id=3) == (200, "")
    caller.wait(10)
    assert caller.cluster.leader == 0
    caller.wait(1000)
    assert (await caller.post(1, "/member/remove", peer_id=2))[0] == 907
    assert (await caller.post(3, "/config/set", key="k", value="v"))[0] == 907


async def test_a_removed_node_goes_on_answering_with_a_frozen_view(caller: Any) -> None:
    await caller.post(1, "/member/remove", peer_id=3)
    frozen = await caller.stat(3)
    caller.cluster.set_read_only(True)
    await caller.post(1, "/config/set", key="k", value="v")
    caller.wait(1000)
    assert await caller.stat(3) == frozen
    assert (await caller.get(3, "/config/get?key=k"))[0] == 908
    assert (await caller.stat(2))["read_only"] is True


async def test_member_with_id_zero_is_invisible_and_fatal(make: Any) -> None:
    for flavour, dies in (("master", True), ("v1", False)):
        caller = await make(flavour=flavour)
        assert (await caller.post(1, "/member/add", host="h:0", member_type=LEARNER, node_host="n:0"))[0] == 200
        assert len((await caller.stat(1))["raft_status"]["peers"]) == 3
        await caller.cluster.kill(3)
        if dies:
            with pytest.raises(NotPossible, match="panics"):
                await caller.cluster.start(3)
        else:
            await caller.cluster.start(3)
            assert caller.cluster.nodes[2].up


async def test_leader_outside_the_files_has_no_address_on_oldest_release(make: Any) -> None:
    caller = await make(flavour="v1")
    await caller.cluster.add_node(4)
    await caller.post(1, "/member/add", peer_id=4, host="h:4", member_type=NORMAL)
    await caller.post(1, "/leadership/transfer", peer_id=4)
    caller.wait(1)
    assert (await caller.stat(2))["leader_host"] == ""
    assert (await caller.post(2, "/config/set", key="k", value="v"))[0] == 907
    assert (await caller.post(4, "/config/set", key="k", value="v"))[0] == 200


async def test_unfinished_member_change_on_oldest_release_answers_500(make: Any) -> None:
    caller = await make(flavour="v1")
    await caller.cluster.lose_quorum()
    assert await caller.post(1, "/member/remove", peer_id=2) == (500, '{"error":"context deadline exceeded"}')

"""Nodes that fall behind their leader, and nodes that do not apply what is committed."""

from typing import Any

import pytest

from bot.playground.clustermgr_sim import NotPossible


async def peer(caller: Any, node: int) -> dict[str, Any]:
    """How the leader, node 1, sees a peer."""
    rows: list[dict[str, Any]] = (await caller.stat(1))["raft_status"]["peers"]
    return next(row for row in rows if row["id"] == node)


async def test_a_follower_stays_behind_until_it_is_let_go(make: Any) -> None:
    caller = await make(commit=5000)
    caller.cluster.fall_behind(3, 2000)
    row, own = await peer(caller, 3), (await caller.stat(3))["raft_status"]
    assert (row["state"], row["match"], row["active"], row["paused"]) == ("StateReplicate", 3000, True, False)
    assert (own["commit"], own["leader"]) == (3000, 1)
    with pytest.raises(NotPossible, match="lacks entries"):
        await caller.cluster.elect(3)
    caller.cluster.fall_behind(3, 0)
    assert (await peer(caller, 3))["match"] == 5000
    assert (await caller.stat(3))["raft_status"]["commit"] == 5000


async def test_leader_cannot_fall_behind(caller: Any) -> None:
    with pytest.raises(NotPossible, match="has no leader to follow"):
        caller.cluster.fall_behind(1, 5)
    with pytest.raises(NotPossible, match="no node 9"):
        caller.cluster.stall(9)


async def test_stalled_node_commits_without_applying(caller: Any) -> None:
    caller.cluster.stall(2)
    for value in "abc":
        await caller.post(1, "/config/set", key="balance", value=value)
    raft = (await caller.stat(2))["raft_status"]
    assert (raft["commit"], raft["applied"], raft["raft_applied"], raft["applying_length"]) == (6, 3, 3, 3)
    assert (await caller.stat(1))["raft_status"]["applied"] == 6
    await caller.cluster.restore()
    assert (await caller.stat(2))["raft_status"]["applied"] == 6

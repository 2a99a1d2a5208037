"""Invariants of the group in every state, after any actions in any order."""

import random
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.playground.clustermgr_sim import FLAVOURS, Data, NotPossible, Role, Timing, demo_data
from bot.playground.clustermgr_sim.disks import count_space
from bot.playground.clustermgr_sim.nodes import Member
from bot.playground.clustermgr_sim.raft import Raft
from bot.playground.clustermgr_sim.stat import render

MASTER = FLAVOURS["master"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["kill", "start", "pause", "resume", "isolate", "rejoin", "elect", "move", "write", "wait"]),
        st.integers(1, 5),
        st.sampled_from([0.05, 0.3, 4.0, 11.0]),
    ),
    max_size=40,
)


def group(size: int) -> Raft:
    raft = Raft([Member(peer, f"h:{peer}", f"n:{peer}") for peer in range(1, size + 1)], Data(), Timing(), now=0.0)
    raft.bootstrap(1)
    return raft


def cut(raft: Raft, node: int, flag: str, *, value: bool) -> None:
    raft.lose(node)
    setattr(raft.nodes[node], flag, value)
    raft.settle()


def write(raft: Raft, written: list[int]) -> None:
    leader = raft.leader()
    if leader is not None:
        number = len(written) + leader.last
        raft.propose(leader, lambda: written.append(number))


def step(raft: Raft, verb: str, node: int, written: list[int]) -> None:
    """One thing that can happen to a node."""
    state = raft.nodes[node]
    match verb:
        case "kill":
            cut(raft, node, "up", value=False)
        case "start" if not state.up:
            raft.start_process(node)
        case "pause":
            cut(raft, node, "paused", value=True)
        case "isolate":
            cut(raft, node, "isolated", value=True)
        case "resume" | "rejoin":
            setattr(state, "paused" if verb == "resume" else "isolated", False)
            raft.settle()
        case "move":
            leader = raft.leader()
            if leader is not None:
                raft.start_transfer(leader, node)
        case "write":
            write(raft, written)
        case _:
            pass


def check(raft: Raft, leaders: dict[int, int]) -> None:
    """One leader per term ever; peers on leaders only; followers of a live leader agree with it."""
    rng = random.Random(2)
    for node in raft.nodes.values():
        if node.role is Role.LEADER and node.up:
            assert leaders.setdefault(node.term, node.node_id) == node.node_id
        stat: dict[str, Any] = render(raft, node, MASTER, {}, rng)["raft_status"]
        assert (stat["peers"] is not None) == (node.role is Role.LEADER)
    leader = raft.leader()
    if leader is not None:
        assert leader.leader == leader.node_id
        for node in raft.live():
            assert (node.leader, node.term) == (leader.node_id, leader.term)
            assert node.commit == leader.commit


@settings(deadline=None)
@given(size=st.sampled_from([3, 5]), steps=STEPS)
@example(size=3, steps=[("isolate", 1, 0.05), ("elect", 2, 0.05), ("kill", 2, 0.05), ("rejoin", 1, 0.05)])
def test_one_leader_per_term_and_commit_never_goes_back(size: int, steps: list[tuple[str, int, float]]) -> None:
    raft, leaders, written, commit = group(size), {1: 1}, list[int](), 0
    for verb, number, seconds in steps:
        node = 1 + (number - 1) % size
        if verb == "elect":
            try:
                raft.elect(node)
            except NotPossible:
                continue
        step(raft, verb, node, written)
        check(raft, leaders)
        if verb == "wait":
            raft.advance(raft.now + seconds)
        check(raft, leaders)
        leader = raft.leader()
        if leader is not None and raft.has_quorum():
            assert leader.commit >= commit
            commit = leader.commit


@settings(deadline=None)
@given(size=st.sampled_from([3, 5]), steps=STEPS)
def test_repaired_group_has_a_leader_again(size: int, steps: list[tuple[str, int, float]]) -> None:
    raft = group(size)
    for verb, number, seconds in steps:
        if verb != "elect":
            step(raft, verb, 1 + (number - 1) % size, [])
        raft.advance(raft.now + seconds)
    for node in raft.nodes:
        raft.nodes[node].isolated = raft.nodes[node].paused = False
        if not raft.nodes[node].up:
            raft.start_process(node)
    raft.settle()
    raft.advance(raft.now + 30)
    assert raft.leader() is not None
    assert all(node.leader == raft.leader().node_id for node in raft.live())  # type: ignore[union-attr]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 24), st.integers(1, 5), st.booleans(), st.booleans(), st.booleans())))
def test_space_adds_up_in_every_state_of_the_disks(changes: list[tuple[int, int, bool, bool, bool]]) -> None:
    disks = demo_data(MASTER, now=0.0, rng=random.Random(1)).disks
    for number, status, readonly, dropping, expired in changes:
        disk = disks[number]
        disk.status, disk.readonly, disk.dropping, disk.expired = status, readonly, dropping, expired
    for flavour in FLAVOURS.values():
        space = count_space(disks.values(), flavour)
        kept = space.get("readonly_space", 0)
        assert space["total_space"] == space["used_space"] + space["free_space"] + kept
        counted = [
            disk for disk in disks.values() if not flavour.leaves_counters or (disk.status < 4 and not disk.dropping)
        ]
        assert space["total_disk"] == sum(row["total"] for row in space["disk_stat_infos"] or []) == len(counted)
        assert 0 <= space["writable_space"] <= space["total_space"]

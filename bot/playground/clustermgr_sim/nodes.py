"""The members and processes of the raft group, and what a leader knows of each member's progress."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.playground.clustermgr_sim.data import Data

NEVER = float("-inf")
MAX_INFLIGHT = 256


class Role(StrEnum):
    """The raft states as the servers spell them."""

    LEADER = "StateLeader"
    FOLLOWER = "StateFollower"
    CANDIDATE = "StateCandidate"
    PRE_CANDIDATE = "StatePreCandidate"


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the group; `raft_host` is its raft address, `node_host` its service address."""

    peer_id: int
    raft_host: str
    node_host: str = ""
    learner: bool = False


@dataclass(slots=True)
class Proposal:
    """Something to be agreed on; `done` once it is committed and applied, `dropped` when raft refused to take it."""

    apply: Callable[[], None]
    done: bool = False
    dropped: bool = False


@dataclass(slots=True)
class Progress:
    """What a leader knows of one member: indices, when it last heard of it, until when it is catching up.

    `new` marks a member that was added and never heard of: it needs a snapshot first.
    """

    match: int
    next: int
    probing: bool = False
    new: bool = False
    heard: float = NEVER
    catching_until: float = NEVER


@dataclass(slots=True)
class Node:
    """One process: its own raft state and its own, possibly outdated, view of everything.

    `named` is the peer whose service address it gives as `leader_host`: just after handing over still its own.
    `behind` is how many entries it stays behind its leader, `stuck` the index from which on it applies nothing.
    """

    node_id: int
    term: int = 1
    vote: int = 0
    leader: int = 0
    named: int = 0
    role: Role = Role.FOLLOWER
    commit: int = 0
    log_term: int = 1
    up: bool = True
    paused: bool = False
    isolated: bool = False
    lost_at: float | None = None
    elected_at: float = NEVER
    hold_until: float = NEVER
    transferee: int = 0
    uncommitted: list[Proposal] = field(default_factory=list)
    progress: dict[int, Progress] = field(default_factory=dict)
    behind: int = 0
    stuck: int | None = None
    frozen: Data | None = None
    space: dict[str, Any] | None = None

    @property
    def last(self) -> int:
        """The index of the last entry of its log."""
        return self.commit + len(self.uncommitted)

    @property
    def runs(self) -> bool:
        """Whether the process is executing."""
        return self.up and not self.paused

    @property
    def log(self) -> tuple[int, int]:
        """How up to date its log is; the greater wins an election."""
        return (self.log_term, self.last)

    @property
    def applied(self) -> int:
        """The index of the last entry that it carried out."""
        return self.commit if self.stuck is None else min(self.commit, self.stuck)

    def follow(self, leader: "Node") -> None:
        """Take the leader's word for everything."""
        if self.term != leader.term:
            self.vote = 0
        self.term, self.leader, self.role = leader.term, leader.node_id, Role.FOLLOWER
        self.named = leader.node_id
        self.commit, self.log_term = max(0, leader.commit - self.behind), leader.log_term
        self.lost_at, self.transferee = None, 0
        self.uncommitted.clear()
        self.frozen = None

    def lose_leader(self, role: Role = Role.PRE_CANDIDATE) -> None:
        """Know no leader any more."""
        self.leader, self.named, self.role, self.transferee = 0, 0, role, 0
        self.hold_until = NEVER

    def freeze(self, data: Data) -> None:
        """Keep the view of this moment."""
        if self.frozen is None:
            self.frozen = copy.deepcopy(data)


def peer_view(
    leader: Node, member: Member, *, live: bool, now: float, election: float, behind: int = 0
) -> dict[str, Any]:
    """One row of `peers` in neutral spelling, as the leader sees that member at `now`, so many entries behind."""
    state, match, following, snapshot, active, inflight = "StateReplicate", leader.last, leader.last + 1, 0, True, 0
    progress = leader.progress.get(member.peer_id)
    if member.peer_id == leader.node_id:
        active = now >= leader.elected_at + election
    elif progress is not None and live and now < progress.catching_until:
        state, match, following, snapshot = "StateSnapshot", 0, progress.next, leader.commit
    elif progress is not None and not live:
        active = now < progress.heard + election
        match = progress.match
        if progress.probing:
            state, following = "StateProbe", progress.next
        else:
            inflight = min(leader.last - match, MAX_INFLIGHT)
    elif behind:
        match, inflight = max(0, leader.last - behind), min(behind, MAX_INFLIGHT - 1)
        following = match + 1
    return {
        "id": member.peer_id,
        "host": member.raft_host,
        "match": match,
        "next": following,
        "state": state,
        "paused": state != "StateReplicate" or inflight == MAX_INFLIGHT,
        "pending_snapshot": snapshot,
        "active": active,
        "is_learner": member.learner,
        "is_inflight_full": inflight == MAX_INFLIGHT,
        "inflight_count": inflight,
    }

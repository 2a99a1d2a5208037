"""Members and processes of the raft group, and a leader's view of each member's progress."""

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
    """A proposal to raft; `done` once it is committed and applied, `dropped` if raft refused it."""

    apply: Callable[[], None]
    done: bool = False
    dropped: bool = False


@dataclass(slots=True)
class Progress:
    """A leader's view of one member: indices, time of the last contact, end of catching up.

    `new` marks an added member without any contact: it needs a snapshot first.
    """

    match: int
    next: int
    probing: bool = False
    new: bool = False
    heard: float = NEVER
    catching_until: float = NEVER


@dataclass(slots=True)
class Node:
    """A process with its own raft state and its own, possibly outdated, data.

    `named` is the peer whose service address is its `leader_host`; just after a transfer that is still its own.
    `behind` is its lag in entries, `stuck` the index after which it applies nothing. `reported` are its own metrics as
    it set them last.
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
    reported: str = ""

    @property
    def last(self) -> int:
        """The index of the last entry of its log."""
        return self.commit + len(self.uncommitted)

    @property
    def runs(self) -> bool:
        """True if the process is executing."""
        return self.up and not self.paused

    @property
    def log(self) -> tuple[int, int]:
        """The position of its log; the greatest wins an election."""
        return (self.log_term, self.last)

    @property
    def applied(self) -> int:
        """The index of the last entry that it carried out."""
        return self.commit if self.stuck is None else min(self.commit, self.stuck)

    def follow(self, leader: "Node") -> None:
        """Copy the state of the leader."""
        if self.term != leader.term:
            self.vote = 0
        self.term, self.leader, self.role = leader.term, leader.node_id, Role.FOLLOWER
        self.named = leader.node_id
        self.commit, self.log_term = max(0, leader.commit - self.behind), leader.log_term
        self.lost_at, self.transferee = None, 0
        self.uncommitted.clear()
        self.frozen = None

    def lose_leader(self, role: Role = Role.PRE_CANDIDATE) -> None:
        """Forget the leader."""
        self.leader, self.named, self.role, self.transferee = 0, 0, role, 0
        self.hold_until = NEVER

    def freeze(self, data: Data) -> None:
        """Keep a copy of the present data."""
        if self.frozen is None:
            self.frozen = data.copy()


def peer_view(
    leader: Node, member: Member, *, live: bool, now: float, election: float, behind: int = 0
) -> dict[str, Any]:
    """A row of `peers` in neutral spelling: the leader's view of a member at `now`, `behind` entries late."""
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

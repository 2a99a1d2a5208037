"""Scene: a cluster for the worked examples, described in the terms of raft, as two snapshots."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.clustermgr.models import Disk, HostAnswer, Peer, RaftStatus, Snapshot, Stat
from bot.common.errors import ClusterTimeout

COMMIT = 50_000
"""The commit index of a scene's leader."""

Flags = Mapping[str, Any]
_SOUND: Flags = {"match": COMMIT, "next": COMMIT + 1, "state": "StateReplicate", "active": True}

# What a leader shows of a peer, each as recorded exchanges (tests/contract) show it.
DOWN: Flags = {"active": False, "match": COMMIT - 40, "inflight_count": 4}
DOWN_LAG_0: Flags = {"active": False}
DOWN_BEFORE_ELECTION: Flags = {"state": "StateProbe", "match": 0, "active": False, "paused": True}
NEW_UNREACHABLE: Flags = {"state": "StateProbe", "match": 0, "active": True, "paused": True}
SNAPSHOTTING: Flags = {"state": "StateSnapshot", "match": 12, "pending_snapshot": COMMIT - 5, "paused": True}
LAGGING: Flags = {"match": COMMIT - 5_000}
JUST_ELECTED: Flags = {"active": False}
PAUSED: Flags = {"paused": True}
PROBING: Flags = {"state": "StateProbe", "match": COMMIT - 3}


def host_name(peer: int) -> str:
    """The service address of a peer in a scene."""
    return f"cm{peer}:9998"


def raft_name(peer: int) -> str:
    """The raft address of a peer in a scene."""
    return f"cm{peer}:10110"


@dataclass(frozen=True, slots=True)
class Scene:
    """A cluster in text: voters, leader (0: none) and the leader's view of unhealthy `peers`.

    `silent` hosts do not answer, `only_now_silent` ones did at the look before; `unlisted` ones are not configured;
    `views` are hosts (peer → leader, term) with a view of their own; `extra` are further hosts (address → node id,
    leader, term).
    `earlier` makes the look before different; None leaves it out.
    """

    voters: tuple[int, ...] = (1, 2, 3)
    learners: tuple[int, ...] = ()
    leader: int = 1
    term: int = 7
    peers: Mapping[int, Flags] = field(default_factory=dict)
    silent: frozenset[int] = frozenset()
    only_now_silent: frozenset[int] = frozenset()
    unlisted: frozenset[int] = frozenset()
    views: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    extra: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    transferee: int = 0
    applied: int = COMMIT
    bad_disks: tuple[int, ...] | None = ()
    earlier: Mapping[str, Any] | None = field(default_factory=dict)

    def snapshots(self) -> tuple[Snapshot | None, Snapshot]:
        """The earlier and the present snapshot, 15 s apart."""
        return self._before(), self._snapshot(1015.0, self.silent | self.only_now_silent)

    def _before(self) -> Snapshot | None:
        if self.earlier is None:
            return None
        then = replace(self, **self.earlier)
        return then._snapshot(1000.0, then.silent)

    def _snapshot(self, at: float, silent: frozenset[int]) -> Snapshot:
        named = [peer for peer in (*self.voters, *self.learners) if peer not in self.unlisted]
        answers = [self._answer(peer, silent) for peer in named]
        answers += [
            HostAnswer(host, 0.01, stat=self._stat(node, leader, term))
            for host, (node, leader, term) in self.extra.items()
        ]
        disks = None if self.bad_disks is None else tuple(Disk(disk_id=n, status=2) for n in self.bad_disks)
        return Snapshot(cluster="prod", at=at, answers=tuple(answers), bad_disks=disks)

    def _answer(self, peer: int, silent: frozenset[int]) -> HostAnswer:
        host = host_name(peer)
        if peer in silent:
            return HostAnswer(host, 5.0, error=ClusterTimeout(f"{host} did not answer in time.", host=host))
        leader, term = self.views.get(peer, (self.leader, self.term))
        return HostAnswer(host, 0.01, stat=self._stat(peer, leader, term))

    def _stat(self, node: int, leader: int, term: int) -> Stat:
        leads = node == leader
        status = {
            "node_id": node,
            "term": term,
            "commit": COMMIT,
            "applied": self.applied,
            "leader": leader,
            "raft_state": "StateLeader" if leads else "StateFollower",
            "transferee": self.transferee if leads else 0,
            "peers": self._peers() if leads else None,
        }
        named = host_name(leader) if leader else ""
        return Stat(leader_host=named, raft_status=RaftStatus.model_validate(status))

    def _peers(self) -> tuple[Peer, ...]:
        return tuple(
            Peer.model_validate(
                {
                    "id": peer,
                    "host": raft_name(peer),
                    "is_learner": peer in self.learners,
                    **_SOUND,
                    **self.peers.get(peer, {}),
                }
            )
            for peer in (*self.voters, *self.learners)
        )

"""View of a cluster with a leader for the checks: members, health, members that catch up, addresses."""

from collections.abc import Mapping

from bot.clustermgr.health import (
    MAX_LAG,
    VoterHealth,
    healthy_count,
    lag,
    learners,
    peer_fault,
    quorum,
    same_leadership,
    voter_health,
    voters,
)
from bot.clustermgr.models import DiskStatus, Peer, Snapshot, Stat
from bot.common.addresses import same_place
from bot.common.frozen import frozen
from bot.operations.preflight.facts.leadership import BehindMember, CatchUp


@frozen
class View:
    """Facts that two snapshots of a cluster with one leader prove."""

    now: Snapshot
    host: str
    leader: Stat
    voters: Mapping[int, Peer]
    learners: Mapping[int, Peer]
    health: Mapping[int, VoterHealth]
    new_voters: frozenset[int]
    """Voters that the earlier snapshot, under the same leader and term, did not list as voters."""
    proven_reign: bool = True
    """True if an earlier snapshot showed the same leader and term."""

    @property
    def leader_id(self) -> int:
        """Peer id of the leader."""
        return self.leader.raft_status.leader

    @property
    def members(self) -> Mapping[int, Peer]:
        """Voters and learners by id."""
        return {**self.voters, **self.learners}

    @property
    def healthy(self) -> frozenset[int]:
        """Voters that are proven healthy."""
        return frozenset(peer for peer, health in self.health.items() if health.healthy)

    @property
    def active(self) -> frozenset[int]:
        """Voters that the leader counts as active, itself included."""
        return frozenset(peer.id for peer in self.voters.values() if peer.active or peer.id == self.leader_id)

    @property
    def just_elected(self) -> bool:
        """True if the leader's count is not reliable yet: a new leader counts itself inactive for some seconds."""
        return not (self.proven_reign and self.voters[self.leader_id].active)

    @property
    def has_quorum(self) -> bool:
        """True if the healthy voters are a quorum of the present voters."""
        return healthy_count(self.health) >= quorum(len(self.voters))

    @property
    def catching_up(self) -> tuple[BehindMember, ...]:
        """Learners and new voters that do not follow the log yet, by id."""
        behind = {peer.id: _unsound(peer, self.leader) for peer in self.learners.values()}
        behind |= {peer.id: self._behind(peer) for peer in self.voters.values() if peer.id != self.leader_id}
        return tuple(member for _, member in sorted(behind.items()) if member is not None)

    def _behind(self, peer: Peer) -> BehindMember | None:
        entries = lag(self.leader, peer)
        states = (
            (peer.state == "StateSnapshot" or peer.pending_snapshot != 0, CatchUp.SNAPSHOT),
            (peer.state == "StateProbe" and peer.match == 0, CatchUp.NO_ENTRY),
            (peer.active and entries > MAX_LAG, CatchUp.BEHIND),
            (peer.id in self.new_voters, CatchUp.NEW_VOTER),
        )
        state = next((state for holds, state in states if holds), None)
        if state is None:
            return None
        return BehindMember(peer.id, state, entries if state is CatchUp.BEHIND else 0)

    def host_of(self, peer: int) -> str:
        """Configured host that answers as that peer, "" when none does."""
        return next((host for host, stat in self.now.answered if stat.raft_status.node_id == peer), "")

    def answers_at(self, address: str) -> int:
        """Node id that answers on a configured host of that address, 0 when none does."""
        own = (stat for host, stat in self.now.answered if same_place(host, address))
        return next((stat.raft_status.node_id for stat in own), 0)

    def was_caught_up(self, peer: int) -> bool:
        """True if that node answers with nearly the leader's log, as a removed learner does."""
        commits = [stat.raft_status.commit for _, stat in self.now.answered if stat.raft_status.node_id == peer]
        return any(abs(self.leader.raft_status.commit - commit) <= MAX_LAG for commit in commits)


def _unsound(learner: Peer, leader: Stat) -> BehindMember | None:
    fault = peer_fault(learner, leader)
    return BehindMember(learner.id, fault=fault) if fault is not None else None


def view_of(before: Snapshot | None, now: Snapshot) -> View | None:
    """Make the view of a cluster, None when it has no credible leader."""
    if now.leader is None:
        return None
    host, leader = now.leader
    earlier = same_leadership(before, now)
    then = {peer.id for peer in voters(earlier.leader[1])} if earlier and earlier.leader else None
    here = {peer.id: peer for peer in voters(leader)}
    return View(
        now=now,
        host=host,
        leader=leader,
        voters=here,
        learners={peer.id: peer for peer in learners(leader)},
        health=voter_health(before, now),
        new_voters=frozenset(here) - then if then is not None else frozenset(),
        proven_reign=earlier is not None,
    )


def bad_disks(now: Snapshot) -> tuple[int | None, bool]:
    """Count broken and repairing disks; True if the count is fresh.

    /disk/list is fresh. Its fallback, the leader's counters, may lag by minutes. None when neither is known.
    """
    if now.bad_disks is not None:
        wanted = {DiskStatus.BROKEN, DiskStatus.REPAIRING}
        return sum(disk.status in wanted for disk in now.bad_disks), True
    if now.leader is None:
        return None, False
    return sum(zone.broken + zone.repairing for zone in now.leader[1].space_stat.disk_stat_infos), False

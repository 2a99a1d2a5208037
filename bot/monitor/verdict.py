"""The verdict on a cluster in words: healthy, degraded and why, no leader, unreachable, or contradictory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.cluster.health import MIN_APART, VoterHealth, healthy_count, learners, quorum, voter_health, voters
from bot.cluster.models import DiskStatus, HostLook, Snapshot, SpaceStat, Stat
from bot.monitor.words import count, listed, percent, plain

LOW_WRITABLE = 0.1
"""Share of all space that should be writable."""


class Level(StrEnum):
    """How a cluster does, in one word."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    NO_LEADER = "no leader"
    UNREACHABLE = "unreachable"
    CONTRADICTION = "contradiction"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a cluster does: one sentence that names it, and the reasons one by one.

    Both hold raw text of the cluster, on one line and bounded, but not escaped.
    """

    level: Level
    sentence: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quorum:
    """The arithmetic of writes: `needed` of `voters` must agree, `healthy` of them are proven to be able to."""

    voters: int
    needed: int
    healthy: int

    @property
    def spare(self) -> int:
        """How many more voters may fail before writes stop; negative when they have stopped already."""
        return self.healthy - self.needed

    @property
    def words(self) -> str:
        """The arithmetic in a sentence's part."""
        if self.spare < 0:
            proven = f"{self.healthy} {'is' if self.healthy == 1 else 'are'} proven healthy"
            return f"quorum is {self.needed} of {self.voters} voters, and only {proven}"
        may = "no voter may fail" if self.spare == 0 else f"{count(self.spare, 'more voter')} may fail"
        return f"quorum is {self.needed} of {count(self.voters, 'voter')}, {may}"


def judged(snapshot: Snapshot, previous: Snapshot | None = None) -> Mapping[int, VoterHealth]:
    """The health of each voter by peer id, from two looks where `previous` is one of the same leader and term.

    Unlike the checks before a change, which take unproven for unhealthy, a first look at a leader counts for both:
    a person who asks once is told what is wrong, not that nothing is proven yet.
    """
    if not one_reign(previous, snapshot):
        previous = replace(snapshot, at=snapshot.at - MIN_APART)
    return voter_health(previous, snapshot)


def quorum_of(health: Mapping[int, VoterHealth]) -> Quorum:
    """The arithmetic of writes for these voters."""
    return Quorum(len(health), quorum(len(health)), healthy_count(health))


def verdict(snapshot: Snapshot, previous: Snapshot | None = None) -> Verdict:
    """Judge a look at a cluster; `previous` is the look before it, where there is one."""
    if not snapshot.answered:
        return _unreachable(snapshot)
    contradiction = tuple(_contradictions(snapshot))
    if contradiction:
        sentence = f"{snapshot.cluster} contradicts itself: {contradiction[0]}."
        return Verdict(Level.CONTRADICTION, sentence, (*contradiction, *silent_hosts(snapshot)))
    if snapshot.leader is None:
        return _leaderless(snapshot)
    return _led(snapshot, snapshot.leader[1], previous)


def silent_hosts(snapshot: Snapshot) -> tuple[str, ...]:
    """One reason for each host that gave no usable answer."""
    return tuple(_silent(look) for look in snapshot.silent)


def _silent(look: HostLook) -> str:
    words = plain(look.error.sentence).rstrip(".") if look.error else "it gave no answer"
    # Most sentences name the host themselves.
    return words if words.startswith(look.host) else f"{look.host} is silent: {words}"


def one_reign(before: Snapshot | None, now: Snapshot) -> bool:
    """Whether both looks saw one leader in one term, far enough apart to prove a voter healthy."""
    if before is None or before.leader is None or now.leader is None or now.at - before.at < MIN_APART:
        return False
    then, here = before.leader[1].raft_status, now.leader[1].raft_status
    return (then.leader, then.term) == (here.leader, here.term)


def _unreachable(snapshot: Snapshot) -> Verdict:
    hosts = len(snapshot.looks)
    which = "its only host did not answer" if hosts == 1 else f"none of its {hosts} hosts answered"
    return Verdict(Level.UNREACHABLE, f"{snapshot.cluster} is unreachable: {which}.", silent_hosts(snapshot))


def _contradictions(snapshot: Snapshot) -> Iterator[str]:
    claims: dict[int, list[str]] = {}
    for host, stat in snapshot.answered:
        if stat.claims_leadership:
            claims.setdefault(stat.raft_status.term, []).append(host)
    if claims and len(claims[max(claims)]) > 1:
        yield f"{listed(claims[max(claims)])} each claim to lead in term {max(claims)}"
    named = sorted(snapshot.named_leaders)
    if len(named) > 1:
        yield f"in term {snapshot.term} some hosts name peer {listed([str(peer) for peer in named])} as leader"


def _leaderless(snapshot: Snapshot) -> Verdict:
    answered = f"{len(snapshot.answered)} of {count(len(snapshot.looks), 'host')}"
    named = sorted(snapshot.named_leaders)
    if named:
        sentence = (
            f"{snapshot.cluster} is degraded: {answered} answered, and peer {named[0]}, which leads by what they say, "
            "did not."
        )
        reasons = (f"peer {named[0]} leads in term {snapshot.term} but gave no answer of its own",)
        return Verdict(Level.DEGRADED, sentence, (*reasons, *silent_hosts(snapshot)))
    verb = "answers" if len(snapshot.answered) == 1 else "answer"
    sentence = f"{snapshot.cluster} has no leader: {answered} {verb} and none knows one, so nothing can be written."
    reasons = ("no voter has won an election: a majority of voters must be up and reach each other",)
    return Verdict(Level.NO_LEADER, sentence, (*reasons, *silent_hosts(snapshot)))


def _led(snapshot: Snapshot, leader: Stat, previous: Snapshot | None) -> Verdict:
    arithmetic = quorum_of(judged(snapshot, previous))
    reasons = (
        *_voter_reasons(snapshot, leader, previous),
        *silent_hosts(snapshot),
        *_odd_views(snapshot, leader),
        *_disk_reasons(snapshot, leader),
        *_space_reasons(leader),
    )
    peer, term = leader.raft_status.node_id, leader.raft_status.term
    leads = f"peer {peer} leads in term {term}"
    if not reasons:
        return Verdict(Level.HEALTHY, f"{snapshot.cluster} is healthy: {leads}, {arithmetic.words}.")
    more = f" (and {count(len(reasons) - 1, 'more reason')})" if len(reasons) > 1 else ""
    quorum_told = "" if arithmetic.words in reasons[0] else f", {arithmetic.words}"
    sentence = f"{snapshot.cluster} is degraded: {reasons[0]}{more}; {leads}{quorum_told}."
    return Verdict(Level.DEGRADED, sentence, reasons)


def _voter_reasons(snapshot: Snapshot, leader: Stat, previous: Snapshot | None) -> Iterator[str]:
    health = judged(snapshot, previous)
    arithmetic = quorum_of(health)
    sick = [voter for voter in health.values() if not voter.healthy]
    if not health:
        yield "the leader lists no voters, so the quorum cannot be judged"
    elif arithmetic.spare < 0:
        yield f"writes may have stopped: {arithmetic.words}"
    elif arithmetic.spare == 0 and sick:
        yield f"one more failure stops writes: {arithmetic.healthy} of {arithmetic.voters} voters are proven healthy"
    for voter in sick:
        yield f"voter {voter.peer} is not healthy: {plain(voter.why)}"
    for learner in learners(leader):
        if not learner.active:
            yield f"learner {learner.id} is down: the leader has not heard from it lately"


def _odd_views(snapshot: Snapshot, leader: Stat) -> Iterator[str]:
    reign = (leader.raft_status.leader, leader.raft_status.term)
    members = {peer.id for peer in (*voters(leader), *learners(leader))}
    for host, stat in snapshot.answered:
        raft = stat.raft_status
        if members and raft.node_id not in members:
            yield f"{host} answers as peer {raft.node_id}, which is no member any more: its view is frozen"
        elif (raft.leader, raft.term) != reign:
            follows = f"peer {raft.leader}" if raft.leader else "nobody"
            yield f"{host} follows {follows} in term {raft.term}: its view differs from the leader's"


def _disk_reasons(snapshot: Snapshot, leader: Stat) -> Iterator[str]:
    if snapshot.bad_disks is None:
        zones = leader.space_stat.disk_stat_infos
        broken, repairing = sum(zone.broken for zone in zones), sum(zone.repairing for zone in zones)
        by = " by the leader's counters"
    else:
        broken = sum(disk.status == DiskStatus.BROKEN for disk in snapshot.bad_disks)
        repairing, by = len(snapshot.bad_disks) - broken, ""
    if broken:
        yield f"{count(broken, 'disk')} {'is' if broken == 1 else 'are'} broken{by}"
    if repairing:
        yield f"{count(repairing, 'disk')} {'is' if repairing == 1 else 'are'} being repaired{by}"


def _space_reasons(leader: Stat) -> Iterator[str]:
    if leader.read_only:
        yield "the cluster is read-only"
    space = leader.space_stat
    if low_writable(space, LOW_WRITABLE):
        yield f"only {percent(space.writable_space, space.total_space)} of the space is writable"


def low_writable(space: SpaceStat, share: float) -> bool:
    """Whether less than `share` of all space (bytes) is writable; a cluster without space tells nothing."""
    return space.total_space > 0 and space.writable_space < share * space.total_space

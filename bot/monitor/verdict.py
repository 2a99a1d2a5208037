"""The verdict on a cluster in words, from one function for every view: how it does, the most severe reason first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum

from bot.cluster.health import (
    MIN_APART,
    VoterHealth,
    healthy_count,
    learners,
    peer_fault,
    quorum,
    voter_health,
    voters,
)
from bot.cluster.models import DiskStatus, HostLook, Snapshot, SpaceStat, Stat
from bot.errors import ClusterTimeout
from bot.monitor.alert import Alert, AlertState, Severity
from bot.monitor.words import count, listed, percent, plain

LOW_WRITABLE = 0.1
"""Share of all space that should be writable."""


VERY_LOW_WRITABLE = 0.05
"""Share of all space below which it is critical that so little is writable."""
SLOW_SECONDS = 2.0
"""An answer of the leader that takes longer is slow."""


class Level(StrEnum):
    """How a cluster does, in one word."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    CRITICAL = "critical"
    NO_LEADER = "no leader"
    UNREACHABLE = "unreachable"
    CONTRADICTION = "contradiction"


class Topic(IntEnum):
    """What a reason is about, the most severe first."""

    WRITES = 0
    QUORUM = 1
    DATA = 2
    SPACE = 3
    REACH = 4
    SETTINGS = 5


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is wrong, in a phrase without a full stop."""

    severity: Severity
    topic: Topic
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a cluster does: one sentence that names it, and the reasons one by one.

    Both hold raw text of the cluster, on one line and bounded, but not escaped.
    """

    level: Level
    sentence: str
    reasons: tuple[str, ...] = ()
    facts: str = field(default="", compare=False)
    """Who leads and what the quorum can lose, where there is a leader."""


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


def verdict(
    snapshot: Snapshot, previous: Snapshot | None = None, *, alerts: Sequence[Alert] = (), fresh: bool = False
) -> Verdict:
    """Judge a look at a cluster; `previous` is the look before it, where there is one.

    `alerts` are those of the cluster: the verdict is never less severe than the worst one that fires. `fresh` says that
    the leader has not counted disks and space yet since its election: its counters are then not judged.
    """
    return _no_milder(_of_look(snapshot, previous, fresh=fresh), snapshot.cluster, alerts)


def _of_look(snapshot: Snapshot, previous: Snapshot | None, *, fresh: bool) -> Verdict:
    if not snapshot.answered:
        return _unreachable(snapshot)
    contradiction = tuple(_contradictions(snapshot))
    if contradiction:
        sentence = f"{snapshot.cluster} contradicts itself: {contradiction[0]}."
        return Verdict(Level.CONTRADICTION, sentence, (*contradiction, *silent_hosts(snapshot)))
    if snapshot.leader is None:
        return _leaderless(snapshot)
    return _led(snapshot, snapshot.leader[1], previous, fresh=fresh)


def _no_milder(found: Verdict, cluster: str, alerts: Sequence[Alert]) -> Verdict:
    """Raise a verdict that the worst firing alert contradicts; the alert's sentence is then the first reason."""
    if found.level not in {Level.HEALTHY, Level.DEGRADED}:
        return found
    # What is gone already only waits to be resolved; what this look itself refutes, or is about cmbot, says nothing.
    firing = [
        each
        for each in alerts
        if each.state in {AlertState.FIRING, AlertState.ACKNOWLEDGED}
        and not each.clear_since
        and each.rule not in _NOT_OF_THE_CLUSTER
        and not (found.facts and each.rule in _REFUTED_BY_A_LEADER)
    ]
    worst = max(firing, key=lambda alert: (alert.severity, -alert.since), default=None)
    level = _level(worst.severity) if worst else Level.HEALTHY
    if worst is None or _RANK[level] <= _RANK[found.level]:
        return found
    why = plain(worst.sentence).rstrip(".")
    number = f" (alert #{worst.id})" if worst.id else ""
    facts = f"; {found.facts}" if found.facts else ""
    return Verdict(level, f"{cluster} is {level}: {why}{number}{facts}.", (why, *found.reasons), found.facts)


_NOT_OF_THE_CLUSTER = frozenset({"own_network", "watch_blind"})
_REFUTED_BY_A_LEADER = frozenset({"no_leader", "cluster_unreachable"})
_RANK = {Level.HEALTHY: 0, Level.DEGRADED: 1, Level.CRITICAL: 2}


def _level(severity: Severity) -> Level:
    return {Severity.INFO: Level.HEALTHY, Severity.WARNING: Level.DEGRADED}.get(severity, Level.CRITICAL)


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
    verb = "answers" if len(snapshot.answered) == 1 else "answer"
    if named and len(snapshot.answered) < quorum(len(snapshot.looks)):
        # Whoever is still named as leader cannot lead without a majority.
        sentence = f"{snapshot.cluster} has no quorum: {answered} {verb}, so nothing can be written."
        reasons = (f"{quorum(len(snapshot.looks))} hosts must be up and reach each other",)
        return Verdict(Level.NO_LEADER, sentence, (*reasons, *silent_hosts(snapshot)))
    if named:
        sentence = (
            f"{snapshot.cluster} is degraded: {answered} answered, and peer {named[0]}, which leads by what they say, "
            "did not."
        )
        reasons = (f"peer {named[0]} leads in term {snapshot.term} but gave no answer of its own",)
        return Verdict(Level.DEGRADED, sentence, (*reasons, *silent_hosts(snapshot)))
    sentence = f"{snapshot.cluster} has no leader: {answered} {verb} and none knows one, so nothing can be written."
    reasons = ("no voter has won an election: a majority of voters must be up and reach each other",)
    return Verdict(Level.NO_LEADER, sentence, (*reasons, *silent_hosts(snapshot)))


def _led(snapshot: Snapshot, leader: Stat, previous: Snapshot | None, *, fresh: bool) -> Verdict:
    arithmetic = quorum_of(judged(snapshot, previous))
    found = (
        *_quorum_reasons(snapshot, leader, previous),
        *(Reason(Severity.WARNING, Topic.REACH, text) for text in silent_hosts(snapshot)),
        *_odd_views(snapshot, leader),
        *_slow(snapshot),
        *_disk_reasons(snapshot, leader, fresh=fresh),
        *_space_reasons(leader, fresh=fresh),
    )
    # Sorting keeps the order of equals.
    ordered = sorted(found, key=lambda reason: (-reason.severity, reason.topic))
    reasons = tuple(reason.text for reason in ordered)
    peer, term = leader.raft_status.node_id, leader.raft_status.term
    leads = f"peer {peer} leads in term {term}"
    if not reasons:
        facts = f"{leads}, {arithmetic.words}"
        return Verdict(Level.HEALTHY, f"{snapshot.cluster} is healthy: {facts}.", facts=facts)
    level = _level(ordered[0].severity)
    more = f" (and {count(len(reasons) - 1, 'more reason')})" if len(reasons) > 1 else ""
    quorum_told = "" if arithmetic.words in reasons[0] else f", {arithmetic.words}"
    sentence = f"{snapshot.cluster} is {level}: {reasons[0]}{more}; {leads}{quorum_told}."
    return Verdict(level, sentence, reasons, f"{leads}{quorum_told}")


def _quorum_reasons(snapshot: Snapshot, leader: Stat, previous: Snapshot | None) -> Iterator[Reason]:
    health = judged(snapshot, previous)
    arithmetic = quorum_of(health)
    sick = [voter for voter in health.values() if not voter.healthy]
    if not health:
        text = "the leader lists no voters, so the quorum cannot be judged"
        yield Reason(Severity.WARNING, Topic.QUORUM, text)
    elif arithmetic.spare < 0:
        yield _no_majority(snapshot, leader, previous, arithmetic, sick)
    elif arithmetic.spare == 0 and sick:
        text = f"one more failure stops writes: {arithmetic.healthy} of {arithmetic.voters} voters are proven healthy"
        yield Reason(Severity.WARNING, Topic.QUORUM, text)
    elif arithmetic.spare == 0 and len(snapshot.looks) > 1:
        only = (
            "it has 1 voter only"
            if arithmetic.voters == 1
            else f"it has {arithmetic.voters} voters, and all must agree"
        )
        yield Reason(Severity.WARNING, Topic.QUORUM, f"one failure stops writes: {only}; add another voter")
    for voter in sick:
        yield Reason(Severity.WARNING, Topic.QUORUM, f"voter {voter.peer} is not healthy: {plain(voter.why)}")
    for learner in learners(leader):
        if not learner.active:
            text = f"learner {learner.id} is down: the leader has not heard from it lately"
            yield Reason(Severity.WARNING, Topic.REACH, text)


def _no_majority(
    snapshot: Snapshot, leader: Stat, previous: Snapshot | None, arithmetic: Quorum, sick: Sequence[VoterHealth]
) -> Reason:
    """Writes may have stopped; one look at hosts that are only late, against the leader's word, does not prove it."""
    peers = {peer.id: peer for peer in voters(leader)}
    by_leader = sum(bool(peer_fault(peers[voter.peer], leader)) for voter in sick)
    refused = sum(not isinstance(look.error, ClusterTimeout) for look in snapshot.silent)
    certain = by_leader + min(refused, len(sick) - by_leader)
    before = one_reign(previous, snapshot) and bool(previous and previous.silent)
    if arithmetic.voters - certain >= arithmetic.needed and not before:
        text = f"only {arithmetic.healthy} of {arithmetic.voters} voters are proven healthy at this look"
        return Reason(Severity.WARNING, Topic.QUORUM, f"{text}; the next one decides whether writes have stopped")
    return Reason(Severity.CRITICAL, Topic.WRITES, f"writes may have stopped: {arithmetic.words}")


def _slow(snapshot: Snapshot) -> Iterator[Reason]:
    host = snapshot.leader[0] if snapshot.leader else ""
    for look in snapshot.looks:
        if look.host == host and look.took > SLOW_SECONDS:
            text = f"the leader answers slowly: {host} took {look.took * 1000:,.0f} ms"
            yield Reason(Severity.WARNING, Topic.REACH, text)


def _odd_views(snapshot: Snapshot, leader: Stat) -> Iterator[Reason]:
    reign = (leader.raft_status.leader, leader.raft_status.term)
    members = {peer.id for peer in (*voters(leader), *learners(leader))}
    for host, stat in snapshot.answered:
        raft = stat.raft_status
        if members and raft.node_id not in members:
            text = f"{host} answers as peer {raft.node_id}, which is no member any more: its view is frozen"
            yield Reason(Severity.WARNING, Topic.REACH, text)
        elif (raft.leader, raft.term) != reign:
            follows = f"peer {raft.leader}" if raft.leader else "nobody"
            text = f"{host} follows {follows} in term {raft.term}: its view differs from the leader's"
            yield Reason(Severity.WARNING, Topic.REACH, text)


def _disk_reasons(snapshot: Snapshot, leader: Stat, *, fresh: bool) -> Iterator[Reason]:
    if snapshot.bad_disks is None:
        zones = () if fresh else leader.space_stat.disk_stat_infos
        broken, repairing = sum(zone.broken for zone in zones), sum(zone.repairing for zone in zones)
        by = " by the leader's counters"
    else:
        broken = sum(disk.status == DiskStatus.BROKEN for disk in snapshot.bad_disks)
        repairing, by = len(snapshot.bad_disks) - broken, ""
    if broken:
        text = f"{count(broken, 'disk')} {'is' if broken == 1 else 'are'} broken{by}"
        yield Reason(Severity.WARNING, Topic.DATA, text)
    if repairing:
        text = f"{count(repairing, 'disk')} {'is' if repairing == 1 else 'are'} being repaired{by}"
        yield Reason(Severity.WARNING, Topic.DATA, text)


def _space_reasons(leader: Stat, *, fresh: bool) -> Iterator[Reason]:
    if leader.read_only:
        # From its configuration: no recorded server that says so refuses changes.
        yield Reason(Severity.WARNING, Topic.SETTINGS, "the leader reports read_only (from its configuration)")
    space = leader.space_stat
    if not fresh and low_writable(space, LOW_WRITABLE):
        severe = low_writable(space, VERY_LOW_WRITABLE)
        text = f"only {percent(space.writable_space, space.total_space)} of the space is writable"
        yield Reason(Severity.CRITICAL if severe else Severity.WARNING, Topic.SPACE, text)


def low_writable(space: SpaceStat, share: float) -> bool:
    """Whether less than `share` of all space (bytes) is writable; a cluster without space tells nothing."""
    return space.total_space > 0 and space.writable_space < share * space.total_space

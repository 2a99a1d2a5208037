"""/cm stat: one screen about one cluster, the verdict first, then the facts of GET /stat. No I/O."""

from collections.abc import Iterator, Sequence

from bot.alerting.cluster_status import NOTHING_KNOWN, ClusterStatus, StatusContext, StatusLevel, cluster_status
from bot.alerting.quorum import proven_health, quorum_of
from bot.alerting.risk_facts import RiskFact
from bot.alerting.rules.chunks import Zones
from bot.clustermgr.health import VoterHealth, lag, learners, voters
from bot.clustermgr.models import Disk, Peer, Snapshot, SpaceStat, Stat, VolumeStat, ZoneDisks
from bot.common.errors import ClusterTimeout
from bot.common.text import listed
from bot.interactions.message import BlockJson, Message
from bot.views.blocks import bar, code, context, count, date, escape, fields, message, percent, section, size, table
from bot.views.parts import bullets, hosts_line, mark_of, others_line, role
from bot.views.risk_text import risk_mark, risk_text
from bot.views.status_text import listed_reasons, quorum_text, status_sentence
from bot.views.voter_text import condition, voter_fault_text

MAX_PEERS = 12
MAX_ZONES = 12
_NOT_COUNTED = (
    "Disks and space may be out of date: the leader was elected less than six minutes ago and has not counted disks "
    "and space yet."
)
STALE_MINUTES = 5
"""The server refreshes disk counters every 300 s by default (docs/clustermgr.md)."""


def stat(
    snapshot: Snapshot,
    previous: Snapshot | None = None,
    known: StatusContext = NOTHING_KNOWN,
    *,
    may_grow: bool = False,
) -> Message:
    """Render one poll, compared with a previous one; `may_grow` if a late answer may complete the message."""
    status, fresh = cluster_status(snapshot, previous, known), known.fresh
    best = snapshot.best
    blocks = [section(_headline(status))]
    if fresh:
        blocks.append(context(_NOT_COUNTED))
    if known.risk is not None:
        blocks.append(section(_risk(known.risk)))
    if best is not None:
        blocks += _view(snapshot, *best, previous, known.zones, healthy=status.level is StatusLevel.HEALTHY)
    blocks.append(context(*_small_print(snapshot, may_grow=may_grow)))
    return message(_sentence(snapshot, status, fresh=fresh), *blocks)


def _risk(fact: RiskFact) -> str:
    """The line about volumes, as the watch judged them last."""
    when = f", as of {date(fact.at, 'minute')}" if fact.at else ""
    return f"{risk_mark(fact.risk)} *Volumes at risk* {escape(risk_text(fact.risk))}{when}: `/cm risk`"


def _headline(status: ClusterStatus) -> str:
    reasons = [escape(reason) for reason in listed_reasons(status)]
    head = f"{mark_of(status.level)} *{escape(status_sentence(status))}*"
    return f"{head}\n{bullets(reasons, 8)}" if reasons else head


def _sentence(snapshot: Snapshot, status: ClusterStatus, *, fresh: bool) -> str:
    if snapshot.best is None:
        return escape(status_sentence(status))
    if fresh:
        return f"{escape(status_sentence(status))} {_NOT_COUNTED}"
    space = snapshot.best[1].space_stat
    return (
        f"{escape(status_sentence(status))} "
        f"{percent(space.used_space, space.total_space)} of {size(space.total_space)} used, "
        f"{percent(space.writable_space, space.total_space)} writable, {count(space.total_disk, 'disk')}."
    )


def _view(
    snapshot: Snapshot, host: str, seen: Stat, previous: Snapshot | None, counted: Zones, *, healthy: bool
) -> Iterator[BlockJson]:
    if snapshot.leader is None:
        yield section(
            f"No leader answered, so this is the view of {code(host)} as {role(seen)}: "
            "it lists no peers, and its disks and space may be out of date."
        )
    yield fields(*_facts(snapshot, seen))
    if seen.raft_status.peers:
        yield section(_peers(snapshot, seen, previous, healthy=healthy))
    yield section(_disks(snapshot, seen.space_stat))
    if seen.space_stat.disk_stat_infos:
        yield _zones(seen.space_stat, snapshot.bad_disks, counted)


def _facts(snapshot: Snapshot, seen: Stat) -> Iterator[str]:
    space, volumes = seen.space_stat, seen.volume_stat
    yield f"*Leader*\n{_leader(seen)}, term {seen.raft_status.term}"
    yield f"*Read-only*\n{_read_only(seen)}"
    yield f"*Used* {percent(space.used_space, space.total_space)}\n{_gauge(space.used_space, space)}"
    yield f"*Writable* {percent(space.writable_space, space.total_space)}\n{_gauge(space.writable_space, space)}"
    yield (
        f"*Space*\n{size(space.free_space)} free, {size(space.readonly_space)} read-only, "
        f"{size(space.reserved_space)} reserved"
    )
    yield (
        f"*Volumes* {volumes.total_volume:,}\n{volumes.active_volume:,} active, {volumes.idle_volume:,} idle, "
        f"{volumes.can_alloc_volume:,} allocatable, {volumes.lock_volume:,} locked, "
        f"{volumes.unlocking_volume:,} unlocking{_other_volumes(volumes)}"
    )
    if snapshot.leader is None:
        yield f"*Leaders named in term {snapshot.term}*\n{_named(snapshot)}"


def _other_volumes(volumes: VolumeStat) -> str:
    """Return the volumes that no known counter has: their state is of a later release."""
    counted = volumes.active_volume + volumes.idle_volume + volumes.lock_volume + volumes.unlocking_volume
    other = volumes.total_volume - counted
    return f", {other:,} in a state unknown to cmbot" if other > 0 else ""


def _named(snapshot: Snapshot) -> str:
    return ", ".join(f"peer {peer}" for peer in sorted(snapshot.named_leaders)) or "none"


def _leader(seen: Stat) -> str:
    leader = seen.raft_status.leader
    if not leader:
        return "none"
    where = f" at {code(seen.leader_host)}" if seen.leader_host else ", whose service address is unknown"
    return f"peer {leader}{where}"


def _read_only(seen: Stat) -> str:
    return {True: "*yes*", False: "no", None: "not reported by this release"}[seen.read_only]


def _gauge(part: int, space: SpaceStat) -> str:
    filled = bar(part / space.total_space if space.total_space > 0 else 0.0, 12)
    return f"`{filled}` {size(part)} of {size(space.total_space)}"


def _peers(snapshot: Snapshot, leader: Stat, previous: Snapshot | None, *, healthy: bool) -> str:
    health = proven_health(snapshot, previous)
    peers = (*voters(leader), *learners(leader))
    moving = leader.raft_status.transferee
    # The headline of a healthy cluster has it.
    quorum = f": {quorum_text(quorum_of(health))}" if health and not healthy else ""
    head = [f"*Peers* ({count(len(voters(leader)), 'voter')}, {count(len(learners(leader)), 'learner')}){quorum}"]
    lines = [_peer(peer, leader, health.get(peer.id)) for peer in peers[:MAX_PEERS]]
    more = [f"… and {count(len(peers) - MAX_PEERS, 'more peer')}: see `/cm members`"] if len(peers) > MAX_PEERS else []
    transfer = [f"⚠ leadership is being transferred to peer {moving}"] if moving else []
    return "\n".join((*head, *lines, *more, *transfer))


def _peer(peer: Peer, leader: Stat, health: VoterHealth | None) -> str:
    behind = lag(leader, peer)
    name = f"*{peer.id}* {code(peer.host)}"
    if peer.id == leader.raft_status.leader:
        return f"★ {name} leader, commit {leader.raft_status.commit:,}"
    pace = "up to date" if not behind else f"{behind:,} behind"
    if peer.is_learner:
        return f"○ {name} learner, {pace}, {'active' if peer.active else '*not active*'}"
    if health is not None and not health.healthy:
        return f"▲ {name} {pace}, *{condition(health.fault)}* ({escape(voter_fault_text(health.fault))})"
    return f"● {name} {pace}, {escape(peer.state)}"


def _disks(snapshot: Snapshot, space: SpaceStat) -> str:
    head = f"*Disks* {space.total_disk:,} on {count(space.total_blob_node, 'blobnode')}"
    if snapshot.bad_disks is None:
        error = f": {escape(snapshot.disks_error.sentence)}" if snapshot.disks_error else ""
        return f"{head}. The list of broken disks could not be read{error}"
    if not snapshot.bad_disks:
        return f"{head}. The disk list shows none that is broken or being repaired."
    repairing = sum(disk.status != 2 for disk in snapshot.bad_disks)  # noqa: PLR2004 - DiskStatus.BROKEN
    broken = len(snapshot.bad_disks) - repairing
    states = [state for state, number in (("broken", broken), ("repairing", repairing)) if number]
    lists = " and ".join(f"`/cm disks status={state}`" for state in states)
    return f"{head}. The disk list shows *{broken:,} broken* and *{repairing:,} being repaired*: {lists}"


def _zones(space: SpaceStat, bad: Sequence[Disk] | None, counted: Zones) -> BlockJson:
    header = ("Zone", "Disks", "Available", "Not normal", "Free chunks")
    zones = sorted(space.disk_stat_infos, key=lambda zone: zone.idc)
    return table([_zone(zone, bad, counted) for zone in zones], header=header, right=(1, 2, 4), most=MAX_ZONES)


def _zone(zone: ZoneDisks, bad: Sequence[Disk] | None, counted: Zones) -> tuple[str, ...]:
    counters = ("broken", "repairing", "repaired", "dropping", "dropped", "readonly", "expired")
    odd = [f"{number:,} {name}" for name in counters if (number := getattr(zone, name))]
    # One disk may be in several counters; an expired one still counts as available.
    away = zone.total - zone.available
    twice = sum(getattr(zone, name) for name in counters if name != "expired") > away > 0
    also = f" ({count(away, 'disk')} in all, without expired ones)" if twice and zone.expired else ""
    also = f" ({count(away, 'disk')} in all)" if twice and not zone.expired else also
    usable = counted.usable(zone, bad)
    chunks = f"{usable.free:,} of {usable.total:,}" if usable else "unknown"
    return (zone.idc, f"{zone.total:,}", f"{zone.available:,}", f"{', '.join(odd)}{also}" or "none", chunks)


def _small_print(snapshot: Snapshot, *, may_grow: bool) -> Iterator[str]:
    yield f"{hosts_line(snapshot)}. As of {date(snapshot.at, 'time')}."
    if snapshot.best is not None:
        host, seen = snapshot.best
        raft = seen.raft_status
        yield (
            f"These are the figures of {code(host)} (peer {raft.node_id}, {role(seen)}): "
            f"commit {raft.commit:,}, applied {raft.applied:,}, "
            f"raft applied {raft.raft_applied:,}, {raft.applying_length:,} applying, vote {raft.vote}. "
            f"Disk counters may be {STALE_MINUTES} minutes old."
        )
        if others := others_line("`/stat` ", seen.all_others):
            yield others
    late = [code(answer.host) for answer in snapshot.silent if isinstance(answer.error, ClusterTimeout)]
    if may_grow and late:
        yield f"If {listed(late, 'or', most=MAX_PEERS)} answers late, this message is updated."

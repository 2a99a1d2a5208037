"""/cm stat in full: the verdict, then all facts of GET /stat: peers, zones, hosts, counters. No I/O."""

from collections.abc import Iterator, Sequence

from bot.alerting.cluster_status import NOTHING_KNOWN, StatusContext, StatusLevel, cluster_status
from bot.alerting.quorum import proven_health, quorum_of
from bot.alerting.rules.chunks import Zones
from bot.clustermgr.health import VoterHealth, lag, learners, voters
from bot.clustermgr.models import Disk, Peer, Snapshot, SpaceStat, Stat, VolumeStat, ZoneDisks
from bot.interactions.message import BlockJson, Message
from bot.views.blocks import bar, code, context, count, date, escape, fields, message, percent, section, size
from bot.views.parts import bullets, hosts_line, others_line, role
from bot.views.stat import DISK_COUNTERS, late_hosts, stat_head, stat_sentence
from bot.views.status_text import quorum_text
from bot.views.voter_text import condition, voter_fault_text

MAX_PEERS = 12
MAX_ZONES = 12
MAX_REASONS = 8
STALE_MINUTES = 5
"""The server refreshes disk counters every 300 s by default (docs/clustermgr.md)."""


def stat_in_full(
    snapshot: Snapshot,
    previous: Snapshot | None = None,
    known: StatusContext = NOTHING_KNOWN,
    *,
    may_grow: bool = False,
) -> Message:
    """Render all of one poll, compared with a previous one; `may_grow` if a late answer may complete the message."""
    status = cluster_status(snapshot, previous, known)
    blocks = [*stat_head(status, known, most=MAX_REASONS)]
    if snapshot.best is not None:
        healthy = status.level is StatusLevel.HEALTHY
        blocks += _view(snapshot, *snapshot.best, previous, known.zones, healthy=healthy)
    blocks.append(context(*_small_print(snapshot, may_grow=may_grow)))
    return message(stat_sentence(snapshot, status, fresh=known.fresh), *blocks)


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
    """One line a zone: a table of five columns does not fit into a modal on a phone."""
    zones = sorted(space.disk_stat_infos, key=lambda zone: zone.idc)
    return section(bullets([_zone(zone, bad, counted) for zone in zones], MAX_ZONES))


def _zone(zone: ZoneDisks, bad: Sequence[Disk] | None, counted: Zones) -> str:
    odd = [f"{number:,} {name}" for name in DISK_COUNTERS if (number := getattr(zone, name))]
    # One disk may be in several counters; an expired one still counts as available.
    away = zone.total - zone.available
    twice = sum(getattr(zone, name) for name in DISK_COUNTERS if name != "expired") > away > 0
    also = f" ({count(away, 'disk')} in all, without expired ones)" if twice and zone.expired else ""
    also = f" ({count(away, 'disk')} in all)" if twice and not zone.expired else also
    usable = counted.usable(zone, bad)
    chunks = f"{usable.free:,} of {usable.total:,} chunks free" if usable else "free chunks unknown"
    wrong = f"not normal: {', '.join(odd)}{also}" if odd else "all normal"
    return f"*{escape(zone.idc)}* {zone.available:,} of {count(zone.total, 'disk')} available, {wrong}; {chunks}"


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
    if may_grow and (late := late_hosts(snapshot)):
        yield late

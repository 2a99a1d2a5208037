"""Verdict on the maintenance of a host: may it be stopped now? No I/O.

The quorum is judged by the check of the preflight (quorum.py), the volumes by their risk (alerting/volume_risk.py): all
units on the disks of the host count as unreachable, besides those that are lost and unreachable already.
"""

from collections.abc import Collection, Sequence
from enum import IntEnum, StrEnum

from bot.alerting.model import MaintenanceScope
from bot.alerting.risk_facts import NotRebuilt
from bot.alerting.volume_risk import VolumeRisk, infer_expired, silent_by_the_watch, unnamed_units, volume_risk
from bot.clustermgr.host_facts import HostFacts
from bot.clustermgr.host_matching import alike, split
from bot.clustermgr.models import Disk, DiskStatus
from bot.clustermgr.volume_survey import PlacedVolume
from bot.common.errors import Problem
from bot.common.frozen import frozen
from bot.operations.maintenance_space import space_without, zone_name
from bot.operations.preflight.facts.quorum import QuorumAdvice, QuorumAfter
from bot.operations.preflight.quorum import what_if, with_down
from bot.operations.preflight.verdict import Check, CheckLevel
from bot.operations.preflight.view import View, view_of


class StopLevel(IntEnum):
    """May the host be stopped; the worst last."""

    SAFE = 0
    CAUTION = 1
    """It may, but the reader must consider something."""
    UNKNOWN = 2
    """Something is not judged, so it is not safe."""
    UNSAFE = 3


class UnknownPart(StrEnum):
    """A part that was not judged."""

    LEADER = "leader"
    """No leader is known, so nothing is."""
    VOTERS = "voters"
    """One poll alone does not prove the voters healthy."""
    DISK_LIST = "disk_list"
    DISKS = "disks"
    """Disks whose units were not read."""
    UNITS = "units"
    """Units whose volume was not read."""
    MODES = "modes"
    """Volumes of an unknown code mode."""
    UNPLACED = "unplaced"
    """Volumes whose list of units is short, or has a disk that the cluster does not list."""
    UNEXPLAINED = "unexplained"
    """Volumes that may miss more units than known: their health says so, and no disk explains it."""

    HEARTBEATS = "heartbeats"
    """The leader was elected a few minutes ago, so lost heartbeats are not known."""


@frozen
class StopUnknown:
    """A part that was not judged, and how many things of its kind (0: all)."""

    part: UnknownPart
    number: int = 0


@frozen
class MemberStop:
    """The raft members on the host. `quorum` is the check of the votes without them, None if none of them votes.

    `successors` are the healthy voters that could lead afterwards, if one of the members `leads`.
    """

    peers: tuple[int, ...]
    leads: bool
    quorum: Check | None
    successors: tuple[int, ...] = ()

    @property
    def unproven(self) -> bool:
        """True if the quorum is refused only because one poll alone proves no voter healthy."""
        check = self.quorum
        return (
            check is not None
            and check.level is CheckLevel.BLOCK
            and isinstance(check.fact, QuorumAfter)
            and check.fact.advice is QuorumAdvice.POLL_AGAIN
        )


@frozen
class StopMargin:
    """A volume now and without the host: the units that it can lose yet.

    `lost` and `unreachable` are its units that are away now, `here` its units on the host that are not among them.
    """

    vid: int
    mode: str
    tolerated: int
    lost: int
    unreachable: int
    here: int

    @property
    def left(self) -> int:
        """Number of units that can be away besides, while the host is stopped; negative if it cannot be read."""
        return self.tolerated - self.lost - self.unreachable - self.here


@frozen
class DataStop:
    """The disks of the host and the volumes on them.

    `worst` is the volume with the least margin without the host. `unreadable` volumes could not be read, `tight` ones
    could not bear one more unit away. `whole_zones` have no writable disk without the host. `unwritten`: each margin
    may be smaller by so many units, because missing shards are not rebuilt, for the reason `not_rebuilt`.
    """

    disks: tuple[int, ...]
    volumes: int
    worst: StopMargin | None
    unreadable: int = 0
    tight: int = 0
    whole_zones: tuple[str, ...] = ()
    unwritten: int = 0
    not_rebuilt: NotRebuilt | None = None


@frozen
class StopVerdict:
    """The verdict on stopping one host, and the scope that its maintenance would have.

    `neighbours` is the number of other addresses of the same machine, which a typed port leaves out. `under_way` are
    the hosts of other maintenances of the cluster: they count as stopped.
    """

    cluster: str
    host: str
    at: float
    level: StopLevel
    member: MemberStop | None
    data: DataStop | None
    unknown: tuple[StopUnknown, ...]
    scope: MaintenanceScope
    neighbours: int = 0
    under_way: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """True if a maintenance may start without a confirmation."""
        return self.level <= StopLevel.CAUTION


@frozen
class UnknownHost(Problem):
    """No member and no disk of the cluster is on that host; `known` are the hosts that have one."""

    host: str
    cluster: str
    known: tuple[str, ...]


@frozen
class NotSafeToStop(Problem):
    """The host may not be stopped now, so its maintenance is not started."""

    verdict: StopVerdict


@frozen
class AnywayNeedsReason(Problem):
    """A maintenance against the verdict needs a reason."""


@frozen
class NoSuchMaintenance(Problem):
    """The host is not in maintenance; `known` are the hosts that are."""

    host: str
    cluster: str
    known: tuple[str, ...]


def stop_verdict(
    facts: HostFacts,
    *,
    peers_at: Sequence[tuple[str, int]] = (),
    others: Sequence[MaintenanceScope] = (),
    not_rebuilt: NotRebuilt | None = None,
    fresh: bool = False,
) -> StopVerdict | UnknownHost:
    """Judge if the host may be stopped now.

    `peers_at` are (configured host, peer) of earlier polls, for hosts that do not answer now. `others` are the scopes
    of the maintenances of other hosts in force: these hosts count as stopped. `not_rebuilt` is why missing shards may
    not be rebuilt. While the leader is `fresh`, its counters and the health of volumes tell nothing of heartbeats.
    """
    view = view_of(facts.before, facts.snapshot)
    hosts = tuple(answer.host for answer in facts.snapshot.answers if alike(answer.host, facts.host))
    peers = _peers(facts, view, hosts, peers_at)
    if not hosts and not peers and not facts.own and (facts.disks is not None):
        return UnknownHost(facts.host, facts.snapshot.cluster, _known(facts))
    away_peers = frozenset(peer for scope in others for peer in scope.peers)
    away_disks = frozenset(disk for scope in others for disk in scope.disks)
    member = _member(view, peers, away_peers) if view is not None and (peers or hosts) else None
    data, data_unknown = _data(facts, away_disks, not_rebuilt, fresh=fresh)
    unknown = (*_members_unknown(view, member), *data_unknown)
    own = facts.own
    leader = None if fresh else facts.snapshot.leader
    space = space_without(
        facts.disks or (),
        {disk.disk_id for disk in own},
        away_disks,
        leader[1].space_stat if leader is not None else None,
        facts.suspects.dropping,
    )
    scope = MaintenanceScope(
        host=facts.host,
        hosts=hosts,
        peers=peers,
        disks=tuple(disk.disk_id for disk in own),
        zones=tuple(sorted({zone_name(disk.idc) for disk in own} | (set() if fresh else _silent_zones(facts)))),
        whole=data.whole_zones if data is not None else (),
        expired=0 if fresh else facts.snapshot.expired_disks,
        margin=data.worst.left if data is not None and data.worst is not None else None,
        writable=space.writable if own else None,
        chunks=space.chunks,
    )
    return StopVerdict(
        cluster=facts.snapshot.cluster,
        host=facts.host,
        at=facts.snapshot.at,
        level=_level(member, data, unknown),
        member=member,
        data=data,
        unknown=unknown,
        scope=scope,
        neighbours=_neighbours(facts),
        under_way=tuple(scope.host for scope in others),
    )


def _known(facts: HostFacts) -> tuple[str, ...]:
    configured = tuple(answer.host for answer in facts.snapshot.answers)
    return tuple(dict.fromkeys((*configured, *sorted({disk.host for disk in facts.disks or () if disk.host}))))


def _neighbours(facts: HostFacts) -> int:
    """Number of known addresses on the same machine that the typed port leaves out."""
    name, port = split(facts.host)
    if not port:
        return 0
    return sum(split(each)[0] == name and not alike(each, facts.host) for each in _known(facts))


def _silent_zones(facts: HostFacts) -> set[str]:
    zones = facts.snapshot.leader[1].space_stat.disk_stat_infos if facts.snapshot.leader else ()
    return {zone_name(zone.idc) for zone in zones if zone.expired > 0}


def _peers(
    facts: HostFacts, view: View | None, hosts: Collection[str], peers_at: Sequence[tuple[str, int]]
) -> tuple[int, ...]:
    """The peers on the host: by who answers there, by who answered before, and by the raft addresses."""
    answering = dict(facts.snapshot.answered)
    found = {answering[host].raft_status.node_id for host in hosts if host in answering}
    found |= {peer for host, peer in peers_at if host in hosts and host not in answering}
    if view is None:
        return tuple(sorted(found - {0}))
    found |= {peer.id for peer in view.members.values() if peer.host and alike(peer.host, facts.host)}
    return tuple(sorted(found & view.members.keys()))


def _member(view: View, peers: tuple[int, ...], away: frozenset[int]) -> MemberStop:
    voting = frozenset(peers) & view.voters.keys()
    check = what_if(view, with_down(view, voting | (away & view.voters.keys()))) if voting else None
    leads = view.leader_id in voting
    successors = tuple(sorted(view.healthy - voting - away)) if leads else ()
    return MemberStop(peers, leads, check, successors)


def _members_unknown(view: View | None, member: MemberStop | None) -> tuple[StopUnknown, ...]:
    if view is None:
        return (StopUnknown(UnknownPart.LEADER),)
    return (StopUnknown(UnknownPart.VOTERS),) if member is not None and member.unproven else ()


def _data(
    facts: HostFacts, away: frozenset[int], not_rebuilt: NotRebuilt | None, *, fresh: bool
) -> tuple[DataStop | None, tuple[StopUnknown, ...]]:
    if facts.snapshot.leader is None:
        return None, ()
    if facts.disks is None:
        return None, (StopUnknown(UnknownPart.DISK_LIST),)
    own = frozenset(disk.disk_id for disk in facts.own)
    if not own:
        return None, ()
    volumes = [volume for volume in facts.volumes.values() if not own.isdisjoint(volume.disks)]
    counted = 0 if fresh else facts.snapshot.expired_disks
    named = silent_by_the_watch(facts.survey, counted)
    silent = named | infer_expired(volumes, facts.suspects, facts.sound) if counted else frozenset[int]()
    judged = [(volume, volume_risk(volume, facts.suspects, silent | away, facts.extended)) for volume in volumes]
    margins = [margin for volume, risk in judged if (margin := _margin(volume, risk, own)) is not None]
    margins.sort(key=lambda margin: (margin.left, -margin.lost, margin.vid))
    strange = 0 if fresh else sum(_may_miss_more(volume, risk, own, silent, facts) for volume, risk in judged)
    units = max((risk.mode.unwritten for _, risk in judged if risk.mode is not None), default=0)
    data = DataStop(
        disks=tuple(sorted(own)),
        volumes=len(volumes),
        worst=margins[0] if margins else None,
        unreadable=sum(margin.left < 0 for margin in margins),
        tight=sum(margin.left == 0 for margin in margins),
        whole_zones=_whole_zones(facts.disks, own | away, facts),
        unwritten=units if not_rebuilt is not None else 0,
        not_rebuilt=not_rebuilt,
    )
    parts = (
        (UnknownPart.DISKS, len(facts.unread_disks)),
        (UnknownPart.UNITS, facts.unread_units),
        (UnknownPart.MODES, sum(risk.mode is None for _, risk in judged)),
        (UnknownPart.UNPLACED, sum(_unplaced(volume, risk, facts.disks) for volume, risk in judged)),
        (UnknownPart.UNEXPLAINED, strange),
        (UnknownPart.HEARTBEATS, len(volumes) if fresh else 0),
    )
    return data, tuple(StopUnknown(part, number) for part, number in parts if number)


def _unplaced(volume: PlacedVolume, risk: VolumeRisk, disks: Sequence[Disk]) -> bool:
    """True if a unit of the volume is missing in its list, or on a disk that is not listed: it may be lost."""
    listed = {disk.disk_id for disk in disks}
    short = risk.mode is not None and len(volume.disks) < risk.mode.counted
    return short or not listed.issuperset(volume.disks)


def _margin(volume: PlacedVolume, risk: VolumeRisk, own: frozenset[int]) -> StopMargin | None:
    """The volume without the host; its lost units stay lost, and what is unreachable already is not counted twice."""
    if risk.mode is None:
        return None
    counted = volume.disks[: risk.mode.counted]
    away = {*risk.lost, *risk.unreachable}
    here = sum(disk in own and disk not in away for disk in counted)
    return StopMargin(volume.vid, risk.mode.name, risk.mode.tolerated, len(risk.lost), len(risk.unreachable), here)


def _may_miss_more(
    volume: PlacedVolume, risk: VolumeRisk, own: frozenset[int], silent: frozenset[int], facts: HostFacts
) -> bool:
    """True if units that nothing explains could leave the volume unreadable; a compaction looks the same."""
    margin = _margin(volume, risk, own)
    extra = unnamed_units(volume, facts.suspects, silent, facts.sound, facts.extended)
    return margin is not None and extra > 0 and 0 <= margin.left < extra


def _whole_zones(disks: Sequence[Disk], away: frozenset[int], facts: HostFacts) -> tuple[str, ...]:
    """The zones of the host whose writable disks are all stopped."""
    dropping = facts.suspects.dropping
    writable = [d for d in disks if d.status == DiskStatus.NORMAL and not d.readonly and d.disk_id not in dropping]
    zones = {disk.idc for disk in facts.own}
    left = {disk.idc for disk in writable if disk.disk_id not in away}
    emptied = {disk.idc for disk in writable if disk.disk_id in away} & zones
    return tuple(sorted(zone_name(idc) for idc in emptied - left))


def _level(member: MemberStop | None, data: DataStop | None, unknown: Collection[StopUnknown]) -> StopLevel:
    levels = [StopLevel.SAFE, StopLevel.UNKNOWN if unknown else StopLevel.SAFE]
    if member is not None:
        levels.append(StopLevel.CAUTION if member.leads else StopLevel.SAFE)
        levels.append(_quorum_level(member))
    if data is not None:
        levels.append(StopLevel.UNSAFE if data.unreadable else StopLevel.SAFE)
        smaller = data.worst is not None and data.worst.left < data.unwritten
        levels.append(StopLevel.CAUTION if data.tight or data.whole_zones or smaller else StopLevel.SAFE)
    return max(levels)


def _quorum_level(member: MemberStop) -> StopLevel:
    check = member.quorum
    if check is None or check.level is CheckLevel.PASS:
        return StopLevel.SAFE
    if check.level is CheckLevel.WARN:
        return StopLevel.CAUTION
    return StopLevel.UNKNOWN if member.unproven else StopLevel.UNSAFE

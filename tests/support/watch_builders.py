"""Made-up snapshots of a cluster."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.clustermgr.models import Disk, HostAnswer, Peer, RaftStatus, Snapshot, SpaceStat, Stat, VolumeStat, ZoneDisks
from bot.clustermgr.tasks import Dialect
from bot.common.errors import ClusterTimeout, ClusterUnreachable

TIB = 1 << 40


def host(node: int) -> str:
    """The service address of a made-up node."""
    return f"10.0.0.{node}:9998"


def follower(node: int, leader: int, term: int) -> Peer:
    """A peer as a leader sees it, in good health."""
    del leader, term
    return Peer(id=node, host=f"10.0.0.{node}:10110", match=1000, next=1001, state="StateReplicate", active=True)


def stat(
    node: int,
    leader: int,
    term: int = 5,
    *,
    members: Sequence[int] = (1, 2, 3),
    peers: Mapping[int, Mapping[str, Any]] | None = None,
    read_only: bool | None = False,
    broken: int = 0,
    used: int = TIB,
    writable: int = 5 * TIB,
    zones: Sequence[ZoneDisks] | None = None,
    volumes: VolumeStat | None = None,
) -> Stat:
    """What one node answers; `peers` changes fields of peers as the leader sees them, by id.

    `zones` replaces the counters of the one zone, z0, and with them how many disks there are in all.
    """
    counted = (ZoneDisks(idc="z0", total=60, broken=broken),) if zones is None else tuple(zones)
    changed = peers or {}
    listed = tuple(follower(m, leader, term).model_copy(update=dict(changed.get(m, {}))) for m in members)
    return Stat(
        leader_host=host(leader) if leader else "",
        read_only=read_only,
        raft_status=RaftStatus(
            node_id=node,
            term=term,
            leader=leader,
            commit=1000,
            raft_state="StateLeader" if node == leader else "StateFollower",
            peers=listed if node == leader else (),
        ),
        space_stat=SpaceStat(
            total_space=10 * TIB,
            used_space=used,
            writable_space=writable,
            total_disk=sum(zone.total for zone in counted),
            disk_stat_infos=counted,
        ),
        volume_stat=volumes or VolumeStat(total_volume=40, can_alloc_volume=40),
    )


def disk(number: int, status: int = 2) -> Disk:
    """A disk of zone z0."""
    return Disk(disk_id=number, status=status, idc="z0", host=f"http://10.0.1.{number}:8889", path=f"/data/{number}")


def polled(
    at: float,
    *,
    leader: int = 1,
    term: int = 5,
    nodes: Sequence[int] = (1, 2, 3),
    silent: Sequence[int] = (),
    bad: Sequence[Disk] | None = (),
    **stats: Any,
) -> Snapshot:
    """A snapshot of cluster `prod`; `silent` nodes do not answer, `stats` are handed to every node's `stat`."""
    answers = tuple(
        HostAnswer(host(node), 0.01, error=ClusterTimeout("It did not answer in time.", host=host(node)))
        if node in silent
        else HostAnswer(host(node), 0.01, stat(node, leader, term, **stats))
        for node in nodes
    )
    return Snapshot("prod", at, answers, bad_disks=None if bad is None else tuple(bad))


def dark(at: float) -> Snapshot:
    """A snapshot without an answer: no host could be reached."""
    error = ClusterUnreachable("No connection could be made.")
    return Snapshot("prod", at, tuple(HostAnswer(host(node), 0.01, error=error) for node in (1, 2, 3)))


ON = dict.fromkeys(("disk_repair", "balance", "disk_drop", "blob_delete", "shard_repair", "volume_inspect"), "true")


def with_switches(snapshot: Snapshot, **values: str) -> Snapshot:
    """The snapshot with all background tasks on; `values` changes the stored value of some."""
    return replace(snapshot, switches={**ON, **values}, dialect=Dialect.V3)


def switched(at: float, **values: str) -> Snapshot:
    """A snapshot with a broken disk and switches."""
    return with_switches(polled(at, bad=(disk(7),)), **values)

"""Reads of the whole disk list for a command: the disks, those being dropped, and those without a heartbeat."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from bot.alerting.volume_risk import infer_expired
from bot.clustermgr.client import MAX_COUNTED, MAX_DISKS, ClustermgrClient
from bot.clustermgr.collector import find_leader
from bot.clustermgr.disk_states import DiskListing, DiskState, DiskTally, SortBy, ids_in
from bot.clustermgr.models import Disk, Stat
from bot.clustermgr.volume_answers import placed
from bot.clustermgr.volume_models import MAX_VOLUMES_IN_ANSWER
from bot.clustermgr.volume_survey import PlacedVolume, SuspectDisks
from bot.common.errors import ClusterBadAnswer, ClusterError, ClusterFailed, ClusterTimeout, ClusterUnreachable

STAT_SECONDS = 2.0
"""Limit of the reads of the leader's counters, which run beside the list."""
TALLY_SECONDS = 3.0
"""Limit of the leader's list of a cluster with very many disks; then another host is asked."""
LEADER_SECONDS = 1.0
"""Limit of the search for the leader."""
INFER_SECONDS = 2.0
"""Limit of the reads of volumes from which disks without a heartbeat are inferred."""
MAX_VOLUMES = 20_000
"""Limit of volumes read for that."""


async def read_listing(api: ClustermgrClient, first: str | None) -> DiskListing:
    """Read the disk list of the cluster, from its leader if that answers; raises ClusterError if it cannot be read.

    A part beside the list that cannot be read is None in the result.
    """
    leader = await find_leader(api, LEADER_SECONDS)
    beside = asyncio.gather(read_dropping(api, leader), _expired(api, first))
    try:
        disks, by_leader = await _disks(api, leader, first)
        dropping, expired = await beside
    finally:
        beside.cancel()
        with suppress(asyncio.CancelledError):
            await beside
    return DiskListing(disks, dropping, expired, complete=len(disks) < MAX_DISKS, by_leader=by_leader)


async def count_disks(
    api: ClustermgrClient,
    first: str | None,
    wanted: Callable[[DiskListing, Disk], bool],
    limit: int,
    by: SortBy | None,
) -> tuple[DiskListing, int]:
    """Read the disk list as `read_listing` does, but keep only the first `limit` disks that are `wanted`.

    Returns the listing, with the number of all disks in each state, and the number of the wanted ones.
    """
    leader = await find_leader(api, LEADER_SECONDS)
    counters = asyncio.create_task(_expired(api, first))
    try:
        known = DiskListing((), await read_dropping(api, leader))
        begin = partial(DiskTally, known, wanted, limit, by)
        tally, by_leader = await _tally(api, leader, first, begin)
        expired = await counters
    finally:
        counters.cancel()
        with suppress(asyncio.CancelledError):
            await counters
    complete = tally.counts.total() < MAX_COUNTED
    listing = replace(
        known, disks=tuple(tally.first), expired=expired, complete=complete, by_leader=by_leader, tally=tally.counts
    )
    return listing, tally.matching


async def _tally(
    api: ClustermgrClient, leader: str | None, first: str | None, begin: Callable[[], DiskTally]
) -> tuple[DiskTally, bool]:
    """The counted disks, and True if the leader listed them in time; else another host, `first` before others."""
    if leader is not None:
        with suppress(TimeoutError, ClusterUnreachable, ClusterTimeout, ClusterFailed, ClusterBadAnswer):
            async with asyncio.timeout(TALLY_SECONDS):
                return await api.disk_tally(begin, at=leader), True
    return await api.disk_tally(begin, first=first), False


async def _disks(api: ClustermgrClient, leader: str | None, first: str | None) -> tuple[tuple[Disk, ...], bool]:
    """The disks, and True if the leader listed them in time; else another host, `first` before others, is asked."""
    if leader is not None:
        with suppress(TimeoutError, ClusterUnreachable, ClusterTimeout, ClusterFailed, ClusterBadAnswer):
            async with asyncio.timeout(STAT_SECONDS):
                return await api.disk_list(at=leader), True
    return await api.disk_list(first=first), False


async def read_dropping(api: ClustermgrClient, leader: str | None) -> frozenset[int] | None:
    """The ids of the disks that are being dropped, by the leader; None if it did not tell them in time."""
    if leader is None:
        return None
    try:
        async with asyncio.timeout(STAT_SECONDS):
            return frozenset(disk.disk_id for disk in await api.disk_dropping(at=leader))
    except (TimeoutError, ClusterError):
        return None


async def _expired(api: ClustermgrClient, first: str | None) -> int | None:
    """Disks without a heartbeat by the counters of the leader; None if no leader answers in time."""
    hosts = [host for host in api.hosts if host == first]
    with suppress(TimeoutError):
        async with asyncio.timeout(STAT_SECONDS):
            leader = await _leader(api, hosts) or await _leader(api, [host for host in api.hosts if host != first])
            return None if leader is None else sum(zone.expired for zone in leader.space_stat.disk_stat_infos)
    return None


async def _leader(api: ClustermgrClient, hosts: Iterable[str]) -> Stat | None:
    """The answer of the leader among some hosts: the one that claims it in the highest term."""
    answers = await asyncio.gather(*(api.stat(host) for host in hosts), return_exceptions=True)
    claims = [answer for answer in answers if isinstance(answer, Stat) and answer.claims_leadership]
    return max(claims, key=lambda stat: stat.raft_status.term, default=None)


async def with_inferred(listing: DiskListing, api: ClustermgrClient) -> tuple[DiskListing, int | None]:
    """Infer the disks without a heartbeat from the health of the volumes, as far as they can be read in time.

    Returns the listing and the number of volumes that were read if that is not all of them (None: all).
    """
    if not listing.expired:
        return listing, None
    leader = await find_leader(api, LEADER_SECONDS)
    volumes, complete = await _volumes(api, leader) if leader else ([], False)
    inferred = infer_expired(volumes, _suspects(listing))
    normal = ids_in(listing, {DiskState.NORMAL})
    return replace(listing, inferred=inferred & normal), None if complete else len(volumes)


def _suspects(listing: DiskListing) -> SuspectDisks:
    """The disks whose state explains that units on them cannot be written; an unknown state may do so."""
    return SuspectDisks(
        ids_in(listing, {DiskState.BROKEN, DiskState.REPAIRING}),
        ids_in(listing, {DiskState.DROPPING}),
        ids_in(listing, {DiskState.REPAIRED, DiskState.DROPPED}),
        ids_in(listing, {DiskState.READONLY, DiskState.UNKNOWN}),
    )


async def _volumes(api: ClustermgrClient, leader: str) -> tuple[list[PlacedVolume], bool]:
    """Read the volumes in pages; the second value is True if these are all."""
    found: list[PlacedVolume] = []
    marker = 0
    with suppress(TimeoutError, ClusterError):
        async with asyncio.timeout(INFER_SECONDS):
            while len(found) < MAX_VOLUMES:
                page = await api.volumes(after=marker, count=MAX_VOLUMES_IN_ANSWER, at=leader)
                last = max((volume.vid for volume in page), default=0)
                # A page that does not go on ends the list: a server may never end it.
                if last <= marker:
                    return found, True
                found += [placed(volume, 0.0) for volume in page]
                marker = last
    return found, False

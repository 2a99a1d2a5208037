"""/cm disks: the whole disk list, what is not normal first; it is minutes ahead of the counters in `/stat`."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Literal

from pydantic import Field

from bot.chatops.commands.deadline import in_time
from bot.chatops.commands.disk_listing import count_disks, read_listing, with_inferred
from bot.clustermgr.disk_states import DiskListing, DiskState, SortBy
from bot.clustermgr.host_matching import alike
from bot.clustermgr.models import Disk
from bot.interactions.command import Args, Call, Command, Reply
from bot.views.disk_list import DiskList, disk_list

MAX_LIMIT = 90
"""Disks that one message can show as a table."""

Status = Literal["normal", "readonly", "broken", "repairing", "repaired", "dropping", "dropped", "expired", "unknown"]
Sort = Literal["used", "free", "id", "host"]


class DisksArgs(Args):
    """Filters; all of them must fit."""

    status: Status | None = Field(None, description="only disks in this state")
    idc: str | None = Field(None, min_length=1, max_length=100, description="only disks of this zone")
    host: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="only disks of this blobnode, as in host=10.0.0.7 or host=10.0.0.7:8899",
    )
    sort: Sort | None = Field(
        None, description="used (the fullest first), free (most free chunks first), id or host; else by state"
    )
    limit: int = Field(20, ge=1, le=MAX_LIMIT, description=f"how many to show, 1 to {MAX_LIMIT} (20)")


async def run_disks(call: Call, args: DisksArgs) -> AsyncIterator[Reply]:
    """List disks."""
    cluster = call.the_cluster
    first = call.remembered(cluster.name).leader_host or None
    state, by = DiskState(args.status) if args.status else None, SortBy(args.sort) if args.sort else None
    read: int | None = None
    if state is DiskState.EXPIRED:
        listing = await in_time(read_listing(cluster.api, first), cluster.name, "its disks")
        listing, read = await with_inferred(listing, cluster.api)
        wanted = [disk for disk in listing.disks if _is_meant(disk, args) and _is_in(listing, disk, state)]
        found, matching = listing.ordered(wanted, by), len(wanted)
    else:
        counted = count_disks(cluster.api, first, partial(_is_wanted, args, state), args.limit, by)
        listing, matching = await in_time(counted, cluster.name, "its disks")
        found = listing.disks
    given = (("status", args.status), ("idc", args.idc), ("host", args.host))
    asked = tuple(f"{key}={value}" for key, value in given if value is not None)
    shown = DiskList(cluster.name, listing, found, call.now, asked, args.limit, state, read, matching)
    yield Reply(disk_list(shown), private=False, facts=shown)


def _is_wanted(args: DisksArgs, state: DiskState | None, listing: DiskListing, disk: Disk) -> bool:
    return _is_meant(disk, args) and _is_in(listing, disk, state)


def _is_meant(disk: Disk, args: DisksArgs) -> bool:
    """True if the disk is on that host and in that zone, in any spelling."""
    by_host = args.host is None or alike(disk.host, args.host)
    return by_host and (args.idc is None or disk.idc.lower() == args.idc.lower())


def _is_in(listing: DiskListing, disk: Disk, state: DiskState | None) -> bool:
    """True if the disk is in that state; the flag read-only counts beside other states too."""
    if state is DiskState.READONLY:
        return disk.readonly
    return state is None or listing.state_of(disk) is state


DISKS = Command(
    path=("disks",),
    summary="The disks of a cluster, by state, zone or blobnode; what is not normal first.",
    args=DisksArgs,
    run=run_disks,
    examples=("/cm disks status=broken", "/cm disks prod idc=z1 limit=50", "/cm disks sort=used"),
    notes="This asks the disk list, which is never late; the counters of /cm stat may be five minutes old. No call "
    "names disks without a heartbeat: status=expired infers them from the health of the volumes.",
)

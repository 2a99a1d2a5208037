"""/cm disks and /cm disk: the current disk list, which is minutes ahead of the counters in `/stat`."""

from collections.abc import AsyncIterator
from typing import Literal

from pydantic import Field

from bot.alerting.cluster_state.switches import shards_not_rebuilt
from bot.alerting.pull_safety import pull_safety
from bot.alerting.task_activity import disk_progress
from bot.chatops.commands.deadline import in_time
from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.host_matching import alike
from bot.clustermgr.models import Disk, DiskStatus
from bot.common.errors import CmbotError, NotFound, UserError
from bot.interactions.command import Args, Call, Command, Reply
from bot.views.disks import disk, disks

MAX_LIMIT = 90
"""Disks that one message can show as a table."""
MAX_DISK_ID = 2**32 - 1

Status = Literal["normal", "broken", "repairing", "repaired", "dropped"]


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
    limit: int = Field(20, ge=1, le=MAX_LIMIT, description=f"how many to show, 1 to {MAX_LIMIT} (20)")


class DiskArgs(Args):
    """The disk to show."""

    words = ("id",)
    id: int = Field(ge=1, le=MAX_DISK_ID, description="the disk's number, as /cm disks shows it")


async def run_disks(call: Call, args: DisksArgs) -> AsyncIterator[Reply]:
    """List disks."""
    cluster = call.the_cluster
    first = call.remembered(cluster.name).leader_host or None
    found = await in_time(_listed(cluster.api, args, first), cluster.name, "its disks")
    given = (("status", args.status), ("idc", args.idc), ("host", args.host))
    asked = [f"{key}={value}" for key, value in given if value is not None]
    yield Reply(disks(cluster.name, found, asked=asked, limit=args.limit, at=call.now), private=False)


async def _listed(api: ClustermgrClient, args: DisksArgs, first: str | None) -> tuple[Disk, ...]:
    """Find the disks; the cluster compares exactly, so other spellings are matched here."""
    status = None if args.status is None else int(DiskStatus[args.status.upper()])
    for host in _spellings(args.host):
        found = await api.disk_list(status=status, idc=args.idc, disk_host=host, limit=args.limit + 1, first=first)
        if found:
            return found
    if args.host is None and args.idc is None:
        return ()
    every = await api.disk_list(status=status, first=first)
    return tuple(disk for disk in every if _is_meant(disk, args))[: args.limit + 1]


def _spellings(host: str | None) -> tuple[str | None, ...]:
    """Return the spellings to try: blobnodes register with a scheme (`http://…`) that people leave out."""
    if host is None:
        return (None,)
    bare = host.strip().rstrip("/")
    return (bare,) if "://" in bare else (f"http://{bare}", bare)


def _is_meant(disk: Disk, args: DisksArgs) -> bool:
    """True if the disk is on that host and in that zone, in any spelling."""
    by_host = args.host is None or alike(disk.host, args.host)
    return by_host and (args.idc is None or disk.idc.lower() == args.idc.lower())


async def run_disk(call: Call, args: DiskArgs) -> AsyncIterator[Reply]:
    """Show one disk."""
    cluster = call.the_cluster
    try:
        found = await in_time(cluster.api.disk_info(args.id), cluster.name, f"about disk {args.id}")
    except NotFound as error:
        raise UserError(f"{cluster.name} has no disk {args.id}: /cm disks {cluster.name} lists what it has.") from error
    state = call.remembered(cluster.name).state
    units = await _units(call, args.id)
    safety = pull_safety(found, units, call.now, shards_not_rebuilt(state, call.now))
    progress = disk_progress(state, args.id, call.now, None if units is None else len(units))
    yield Reply(disk(cluster.name, found, safety, at=call.now, progress=progress), private=False)


async def _units(call: Call, disk_id: int) -> tuple[int, ...] | None:
    """Read the units (vuids) that volumes still have on a disk, from the leader first; None if that failed."""
    cluster = call.the_cluster
    first = call.remembered(cluster.name).leader_host or None
    units = cluster.api.disk_units(disk_id, first=first)
    try:
        return await in_time(units, cluster.name, f"which units are on disk {disk_id}")
    except CmbotError:
        return None


DISKS = Command(
    path=("disks",),
    summary="The disks of a cluster, by state, zone or blobnode.",
    args=DisksArgs,
    run=run_disks,
    examples=("/cm disks status=broken", "/cm disks prod idc=z1 limit=50"),
    notes="This asks the disk list, which is never late; the counters of /cm stat may be five minutes old.",
)
DISK = Command(
    path=("disk",),
    summary="All facts of one disk, and if it may be pulled: only its counted units decide that.",
    args=DiskArgs,
    run=run_disk,
    examples=("/cm disk 17", "/cm disk 17 prod"),
)

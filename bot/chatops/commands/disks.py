"""/cm disk: all facts of one disk."""

import asyncio
from collections.abc import AsyncIterator

from pydantic import Field

from bot.alerting.cluster_state.switches import shards_not_rebuilt
from bot.alerting.disk_risk import disk_risk
from bot.alerting.pull_safety import pull_safety
from bot.alerting.task_activity import disk_progress
from bot.chatops.commands.deadline import in_time
from bot.chatops.commands.disk_listing import read_dropping
from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.collector import find_leader
from bot.clustermgr.models import Disk, DiskStatus
from bot.common.errors import CmbotError, NoLeader, NotFound, StoreError, UserError
from bot.interactions.command import Args, Call, Command, Reply
from bot.interactions.facts import OneDisk
from bot.operations.attribution import behind_disk
from bot.operations.model import Operation
from bot.views.disks import disk

MAX_DISK_ID = 2**32 - 1
LEADER_SECONDS = 2.0
"""Limit of the search for the leader."""


class DiskArgs(Args):
    """The disk to show."""

    words = ("id",)
    id: int = Field(ge=1, le=MAX_DISK_ID, description="the disk's number, as /cm disks shows it")


async def run_disk(call: Call, args: DiskArgs) -> AsyncIterator[Reply]:
    """Show one disk."""
    cluster = call.the_cluster
    try:
        leader, found = await in_time(_info(cluster.api, args.id), cluster.name, f"about disk {args.id}")
    except NotFound as error:
        raise UserError(f"{cluster.name} has no disk {args.id}: /cm disks {cluster.name} lists what it has.") from error
    state = call.remembered(cluster.name).state
    units, dropping = await asyncio.gather(_units(call, args.id, leader), _dropping(call, found, leader))
    not_rebuilt = shards_not_rebuilt(state, call.now)
    safety = pull_safety(found, units, call.now, not_rebuilt, led=leader is not None, extended=cluster.extended_modes)
    progress = disk_progress(state, args.id, call.now, None if units is None else len(units))
    behind = await _behind(call, found, dropping=bool(dropping))
    risk = disk_risk(found, *cluster.watched(), state, call.now)
    shown = disk(
        cluster.name, found, safety, at=call.now, progress=progress, dropping=dropping, behind=behind, risk=risk
    )
    yield Reply(shown, private=False, facts=OneDisk(cluster.name, found, safety, dropping))


async def _behind(call: Call, found: Disk, *, dropping: bool) -> Operation | None:
    """The operation that drops the disk or declared it broken; none that is known while the database is silent."""
    try:
        of_disks = await call.operations.of_disks(call.the_cluster.name)
    except StoreError:
        return None
    return behind_disk(of_disks, found.disk_id, found.status, dropping=dropping)


async def _dropping(call: Call, found: Disk, leader: str | None) -> bool | None:
    """True if the disk is being dropped, which its state does not tell; None if that list cannot be read."""
    if found.status != DiskStatus.NORMAL:
        return False
    ids = await read_dropping(call.the_cluster.api, leader)
    return None if ids is None else found.disk_id in ids


async def _info(api: ClustermgrClient, disk_id: int) -> tuple[str | None, Disk]:
    """The leader and the disk as the leader knows it; without a leader None, and the disk as another host does.

    Raises ClusterError.
    """
    leader = await find_leader(api, LEADER_SECONDS)
    try:
        return leader, await api.disk_info(disk_id, at=leader)
    except NotFound as error:
        if leader is None:
            raise NoLeader(f"No leader answers, and another host does not know disk {disk_id}.") from error
        raise


async def _units(call: Call, disk_id: int, leader: str | None) -> tuple[int, ...] | None:
    """Read the units (vuids) that volumes still have on a disk, from the leader only; None if that failed."""
    if leader is None:
        return None
    cluster = call.the_cluster
    units = cluster.api.disk_units(disk_id, at=leader)
    try:
        found = await in_time(units, cluster.name, f"which units are on disk {disk_id}")
    except CmbotError:
        return None
    cluster.take_units(disk_id, found)
    return found


DISK = Command(
    path=("disk",),
    summary="All facts of one disk, and if it may be pulled: only its counted units decide that.",
    args=DiskArgs,
    run=run_disk,
    examples=("/cm disk 17", "/cm disk 17 prod"),
)

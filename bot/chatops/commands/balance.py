"""/cm balance: how full the zones, racks, hosts and disks of a cluster are, and the switch of the balance."""

import asyncio
from collections.abc import AsyncIterator
from typing import Literal

from pydantic import Field

from bot.alerting.chunk_spread import Level, chunk_spread
from bot.chatops.commands.deadline import in_time
from bot.chatops.commands.disk_listing import read_listing
from bot.clustermgr.cluster import Cluster
from bot.clustermgr.tasks import Meaning, meaning_of
from bot.common.errors import ClusterError
from bot.interactions.command import Args, Call, Command, Reply
from bot.views.balance import BalanceReport, Switch, balance

SWITCH_SECONDS = 2.0
"""Limit of the reads of the switch and of its dialect, which run beside the disk list."""
_KEY = "balance"
"""Key of the switch in every dialect."""


class BalanceArgs(Args):
    """The places to show."""

    by: Literal["zone", "rack", "host", "disk"] | None = Field(
        None, description="only places of this kind: zone, rack, host or disk"
    )


async def run_balance(call: Call, args: BalanceArgs) -> AsyncIterator[Reply]:
    """Read the disk list and the switch."""
    cluster = call.the_cluster
    first = call.remembered(cluster.name).leader_host or None
    switch = asyncio.create_task(_switch(cluster))
    try:
        listing = await in_time(read_listing(cluster.api, first), cluster.name, "its disks")
        stored = await switch
    finally:
        switch.cancel()
        await asyncio.gather(switch, return_exceptions=True)
    level = Level(args.by) if args.by else None
    report = BalanceReport(cluster.name, listing, chunk_spread(listing), call.now, stored, level)
    yield Reply(balance(report), private=False)


async def _switch(cluster: Cluster) -> Switch | None:
    """The stored switch of the balance; None if it could not be read in time."""
    try:
        async with asyncio.timeout(SWITCH_SECONDS):
            value = await cluster.api.config_get(_KEY)
            return Switch(value, await _meaning(cluster, value))
    except (TimeoutError, ClusterError):
        return None


async def _meaning(cluster: Cluster, value: str | None) -> Meaning | None:
    """How the services read the value; None if the dialect of the cluster is not known in time."""
    try:
        async with asyncio.timeout(SWITCH_SECONDS / 2):
            dialect = (await cluster.dialect()).dialect
    except TimeoutError:
        return None
    return None if dialect is None else meaning_of(value, dialect)


BALANCE = Command(
    path=("balance",),
    summary="Where free chunks are: use by zone, rack, host and disk; what stands out first.",
    args=BalanceArgs,
    run=run_balance,
    examples=("/cm balance", "/cm balance prod by=disk"),
    notes="Only normal, writable disks count as room: chunks of broken, read-only or dropping disks take no new data.",
)

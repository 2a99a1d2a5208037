"""/cm stat and /cm members: one look at all hosts of a cluster, answered at once and completed in place."""

from collections.abc import AsyncIterator

from bot.commands.spec import Args, Call, Command, Reply
from bot.errors import StoreError
from bot.monitor.alert import Alert
from bot.monitor.counters import is_fresh
from bot.views.members import members
from bot.views.stat import stat


class NoArgs(Args):
    """Nothing but the cluster."""


async def run_stat(call: Call, _: NoArgs) -> AsyncIterator[Reply]:
    """Answer with the first look; a second one, which late hosts have completed, replaces it."""
    first, cluster = True, call.the_cluster
    async for look in cluster.looks():
        fresh = is_fresh(look, call.remembered(cluster.name))
        yield Reply(stat(look, may_grow=first, alerts=await _alerts(call), fresh=fresh), private=False)
        first = False


async def run_members(call: Call, _: NoArgs) -> AsyncIterator[Reply]:
    """As `run_stat`, of the members alone."""
    cluster = call.the_cluster
    async for look in cluster.looks(bad_disks=False):
        fresh = is_fresh(look, call.remembered(cluster.name))
        yield Reply(members(look, alerts=await _alerts(call), fresh=fresh), private=False)


async def _alerts(call: Call) -> tuple[Alert, ...]:
    """The open alerts of the cluster; none while the database is away, since reading must go on without it."""
    try:
        return await call.alerts.open(call.the_cluster.name)
    except StoreError:
        return ()


STAT = Command(
    path=("stat",),
    summary="How a cluster does: verdict, leader, peers, space, disks by zone, volumes.",
    args=NoArgs,
    run=run_stat,
    examples=("/cm stat", "/cm stat prod"),
    notes="Every host is asked at the same time. What the leader says is shown; where hosts differ or are silent, "
    "that is said.",
)
MEMBERS = Command(
    path=("members",),
    summary="The raft group: each voter and learner, how far it is behind, whether it is healthy and why not.",
    args=NoArgs,
    run=run_members,
    examples=("/cm members prod",),
)

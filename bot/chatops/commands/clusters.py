"""/cm clusters, whoami and version."""

from collections.abc import AsyncIterator, Sequence
from functools import partial

from bot.alerting.model import Alert
from bot.chatops.commands.stat import DetailArgs, NoArgs
from bot.common.errors import StoreError
from bot.common.version import version_text
from bot.interactions.command import Call, Command, Details, Reply, Scope
from bot.views.access_text import standing_text
from bot.views.clusters import ClusterLine, clusters, clusters_in_full, clusters_key, version, whoami
from bot.views.status_text import not_milder


async def run_clusters(call: Call, args: DetailArgs) -> AsyncIterator[Reply]:
    """List the clusters at their last poll, without asking them."""
    alerts = await _alerts(call)
    lines = [
        ClusterLine(name, len(port.hosts), not_milder(call.remembered(name), name, alerts))
        for name, port in call.clusters.items()
    ]
    full, facts = partial(clusters_in_full, lines, now=call.now), tuple(lines)
    if args.in_full:
        yield Reply(full(), private=False, facts=facts)
    else:
        more = Details(clusters_key(call.now), full)
        yield Reply(clusters(lines, now=call.now), private=False, facts=facts, details=more)


async def _alerts(call: Call) -> Sequence[Alert]:
    """Return the open alerts of all clusters; none while the database is down, because reading goes on without it."""
    try:
        return await call.alerts.open()
    except StoreError:
        return ()


async def run_whoami(call: Call, _: NoArgs) -> AsyncIterator[Reply]:
    """Show the caller and their rights."""
    caller = call.caller
    yield Reply(whoami(caller.user, caller.channel, tuple(standing_text(await call.access.standing(caller.user)))))


async def run_version(call: Call, _: NoArgs) -> AsyncIterator[Reply]:
    """Show the version."""
    yield Reply(version(version_text(), call.docs_url))


CLUSTERS = Command(
    path=("clusters",),
    summary="All configured clusters: what is wrong first, the healthy ones on one line; *Details* has each one.",
    args=DetailArgs,
    run=run_clusters,
    scope=Scope.NO_CLUSTER,
    examples=("/cm clusters", "/cm clusters details=yes"),
)
WHOAMI = Command(
    path=("whoami",),
    summary="Your Slack id, this channel's id, and what you may do and why.",
    args=NoArgs,
    run=run_whoami,
    scope=Scope.NO_CLUSTER,
    examples=("/cm whoami",),
)
VERSION = Command(
    path=("version",),
    summary="Which version of cmbot answers here.",
    args=NoArgs,
    run=run_version,
    scope=Scope.NO_CLUSTER,
    examples=("/cm version",),
)

"""Clusters that no replica has in its settings any more: what belongs to them is closed, once that is certain."""

from collections.abc import Collection

import structlog

from bot.common.errors import StoreError
from bot.leadership.model import cluster_of
from bot.runtime.parts import App
from bot.watch import decommission

log = structlog.get_logger(__name__)

SETTLED_SECONDS = 900.0
"""Seconds for which the replicas must have the same clusters before anything is closed.

While settings are rolled out, a cluster may be in those of a replica alone that just restarts. Kubernetes moves the
replica of a lost node after five minutes.
"""


async def close_removed_clusters(app: App) -> None:
    """Close alerts and operations of clusters that no replica has in its settings any more.

    A process that is alone on its database closes them at once; others when nothing changed for SETTLED_SECONDS.
    """
    if not app.membership.active:
        return
    known = {*app.clusters, *filter(None, map(cluster_of, app.membership.known))}
    if app.membership.alone or app.state.known.note(known, app.clock()) >= SETTLED_SECONDS:
        await _close(app, known)


async def follow_removed_clusters(app: App) -> None:
    """Close them once, as soon as the replicas have had the same clusters for long enough."""
    members = app.membership
    if members.alone or not members.active:
        return
    seen, known = app.state.known, {*app.clusters, *filter(None, map(cluster_of, members.known))}
    if seen.note(known, app.clock()) >= SETTLED_SECONDS and not seen.closed:
        seen.closed = await _close(app, known)


async def _close(app: App, known: Collection[str]) -> bool:
    """Return False if the database could not be used."""
    try:
        await app.executor.close_gone(known)
        channels = {own.alert_channel for own in app.settings.clusters}
        if await decommission.close_gone(app.store, known, channels, app.clock()):
            app.outbox.wake()
    except StoreError as error:
        log.debug("close_gone.store_down", error=str(error))
        return False
    return True

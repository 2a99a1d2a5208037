"""The polls of clusters: when each is first, under which hold it runs, and what is kept and measured of it."""

from collections.abc import Mapping, Sequence

import structlog

from bot.alerting.cluster_state.counters import status_context, with_status
from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.cluster_status import cluster_status
from bot.clustermgr.call_outcome import CallOutcome, outcome_of
from bot.clustermgr.models import Snapshot
from bot.common.errors import StoreError
from bot.leadership.model import Hold, cluster_of, watch_of
from bot.runtime.parts import App
from bot.runtime.scheduler import Scheduler
from bot.telemetry.trace import new_trace, within
from bot.views.status_text import status_sentence
from bot.watch.channel_moves import follow_channel

log = structlog.get_logger(__name__)

POLL = "watch"
"""First word of the names of the jobs that poll clusters."""
APART_SECONDS = 0.05
"""Greatest time between the first polls of two clusters; they are closer if one interval has no room for all."""


def poll_job(cluster: str) -> str:
    """Name of the job that polls a cluster."""
    return f"{POLL} {cluster}"


def poll_gained(scheduler: Scheduler, intervals: Mapping[str, float], tasks: Sequence[str]) -> None:
    """Poll gained clusters soon, one after the other: no replica may have polled them for a while."""
    gained = {cluster: intervals[cluster] for cluster in map(cluster_of, tasks) if cluster in intervals}
    for cluster, after in spread(gained).items():
        scheduler.run_soon(poll_job(cluster), after)


def spread(intervals: Mapping[str, float]) -> Mapping[str, float]:
    """Seconds until the first poll of each cluster: many clusters are spread over their interval."""
    apart = min(APART_SECONDS, *(interval / len(intervals) for interval in intervals.values())) if intervals else 0.0
    return {cluster: place * apart for place, cluster in enumerate(intervals)}


async def poll(app: App, cluster: str) -> None:
    """Poll one cluster in its turn."""

    async def held() -> None:
        hold = app.membership.hold(watch_of(cluster))
        if hold is not None:
            await poll_under(app, cluster, hold)

    await app.admission.run(cluster, held)


async def poll_under(app: App, cluster: str, hold: Hold) -> None:
    """Poll one cluster under its hold, then keep and measure the result."""
    watch = app.watches[cluster]
    if app.state.polled_under.get(cluster) != hold:
        watch.resume()
        app.clusters[cluster].forget()
        app.state.polled_under[cluster] = hold
    if app.state.channels_followed.get(cluster) != hold:
        await follow_alert_channel(app, cluster, hold)
    began = app.clock()
    # Each its own trace: a job may poll the cluster twice.
    with within(new_trace()), app.tracer.span("poll", cluster=cluster) as span:
        await watch.tick(began, app.membership.check_of(hold))
        if watch.health.failures:
            span.fail("failed")
    now, outcome = app.clock(), "failed" if watch.health.failures else "done"
    # The system clock: Prometheus compares this time with the clock of the host it runs on.
    app.metrics.polled(cluster, outcome, now - began, app.wall(), _causes(watch.latest, began))
    if watch.latest is not None:
        leader, known = watch.latest.leader, watch.state
        if known.at != watch.latest.at:
            # The store did not answer, so the saved state is that of an earlier poll.
            facts = status_context(known, watch.latest, watch.watched.rules, watch.alerts)
            status = cluster_status(watch.latest, watch.previous, facts)
            known = with_status(known, status.level, status_sentence(status))
        app.cluster_notes[cluster] = ClusterNote(
            at=watch.latest.at,
            level=known.level,
            verdict=known.verdict,
            leader=leader[1].raft_status.node_id if leader else 0,
            leader_host=leader[0] if leader else "",
            term=watch.latest.term,
            answered=len(watch.latest.answered),
            state=known,
        )
    if app.heartbeat.due(now):
        app.task_queue.start(app.heartbeat.beat(now, app.status_reporter.problem))


async def follow_alert_channel(app: App, cluster: str, hold: Hold) -> None:
    """Announce the open alerts of a cluster in its alert channel, if the settings named another one before."""
    watch, check = app.watches[cluster], app.membership.check_of(hold)
    try:
        if await follow_channel(app.store, cluster, watch.watched.channel, check, app.clock()):
            watch.invalidate()
            app.outbox.wake()
        app.state.channels_followed[cluster] = hold
    except StoreError as error:
        log.debug("channels.store_down", error=str(error))


def _causes(snapshot: Snapshot | None, began: float) -> list[CallOutcome]:
    """Why hosts gave no usable answer to the poll that began then; none if the poll has no snapshot."""
    if snapshot is None or snapshot.at < began:
        return []
    return [outcome_of(answer.error) for answer in snapshot.silent if answer.error is not None]

"""Periodic jobs: one table with the name, the trigger, the task and the work of each, and the work of all but polls."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import structlog

from bot.common.errors import StoreError
from bot.common.frozen import frozen
from bot.common.message_key import MessageKey
from bot.config import Settings
from bot.leadership.model import HOUSEKEEPING, cluster_of, watch_of
from bot.runtime import polling
from bot.runtime.outputs import measure_outputs, notice_reports
from bot.runtime.parts import App
from bot.runtime.remote_notes import refresh_remote_notes
from bot.runtime.removed_clusters import close_removed_clusters, follow_removed_clusters
from bot.telemetry.trace import new_trace, within
from bot.views.notices import clock_set
from bot.watch.scheduled_reports import ReportJob

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 5.0
CLOCK_SECONDS = 2.0
HOME_SECONDS = 10.0
CATCH_UP_SECONDS = 300.0
FOLLOW_SECONDS = 5.0
HOUSEKEEPING_SECONDS = 3600.0
FIRST_HOUSEKEEPING_SECONDS = 300.0
"""Seconds from a start or a reload: before that, the first polls and commands need the processor."""
JITTER = 0.1
"""Part of a poll interval by which polls are spread, so that clusters are not polled at the same moment."""


@frozen
class Every:
    """Run `work` `after` seconds from the start, then every `seconds`, each time up to `jitter` seconds off."""

    seconds: float
    work: Callable[[App], Awaitable[None]]
    jitter: float = 0.0
    after: float = 0.0


@frozen
class Cron:
    """Run `work` at the times of a crontab; `work` takes the time that was due (Unix seconds of the system clock)."""

    expression: str
    timezone: str
    work: Callable[[App, float], Awaitable[None]]


@frozen
class Job:
    """One row of the table.

    `task` is the task whose holder alone runs the job; without it every replica runs the job. `once` names what keeps
    several replicas from doing the same work in a job without a task.
    """

    name: str
    trigger: Every | Cron
    about: str
    task: str = ""
    once: str = ""


def jobs_of(settings: Settings, report_jobs: Sequence[ReportJob]) -> tuple[Job, ...]:
    """List every periodic job; `report_jobs` are those of `settings.summaries`, in the same order."""
    first = polling.spread({own.name: own.poll_interval for own in settings.clusters})
    polls = (
        Job(
            polling.poll_job(own.name),
            Every(
                own.poll_interval, partial(polling.poll, cluster=own.name), own.poll_interval * JITTER, first[own.name]
            ),
            "Poll every host of the cluster, evaluate the rules, save and post what changed.",
            task=watch_of(own.name),
        )
        for own in settings.clusters
    )
    status_lines = (
        Job(
            f"status {own.channel}",
            Every(own.every, partial(update_status, channel=own.channel)),
            "Update the status line of the channel.",
            task=HOUSEKEEPING,
        )
        for own in settings.status
    )
    reports = (
        Job(
            job.job,
            Cron(own.cron, own.timezone, partial(post_report, job=job)),
            "Post the summary or the hand-over.",
            once="the first replica that saves the run posts it",
        )
        for job, own in zip(report_jobs, settings.summaries, strict=True)
    )
    return (
        *polls,
        *status_lines,
        *reports,
        Job(
            "catch up",
            Every(CATCH_UP_SECONDS, catch_up),
            "Post reports that were due in the last 6 hours and were not posted.",
            once="the first replica that saves the run posts it",
        ),
        Job(
            "sweep",
            Every(SWEEP_SECONDS, sweep),
            "Expire and settle operations, resume unfinished deliveries, retry closed channels, update gauges.",
            once="operations: the holder of the cluster; deliveries: a claim on each",
        ),
        Job(
            "disks",
            Every(SWEEP_SECONDS, follow_disks),
            "Begin the next one of several disks, and count the units on disks that were taken offline.",
            once="the holder of the cluster",
        ),
        Job(
            "sentry",
            Every(SWEEP_SECONDS, check_watchdog),
            "Fire `watch_blind` for a cluster whose polls fail or do not run.",
            once="each replica checks the clusters that it holds",
        ),
        Job(
            "home",
            Every(HOME_SECONDS, lambda app: app.home.refresh()),
            "Show the Home tab again to those who opened it lately, if something changed.",
            once="each replica remembers who opened the tab through it",
        ),
        Job(
            "clock",
            Every(CLOCK_SECONDS, check_clock),
            "Post a note when the system clock of this machine was set.",
            once="each machine has its own clock",
        ),
        Job(
            "reload",
            Every(FOLLOW_SECONDS, follow_reloads),
            "Read the settings again if `/cm admin reload` asked every replica to.",
            once="each replica reads its own settings",
        ),
        Job(
            "forget",
            Every(HOUSEKEEPING_SECONDS, housekeeping, after=FIRST_HOUSEKEEPING_SECONDS),
            "Close what belongs to removed clusters; delete rows past their retention.",
            task=HOUSEKEEPING,
        ),
    )


def schedule(app: App) -> None:
    """Hand every job of the table to the scheduler."""
    for job in jobs_of(app.settings, app.report_jobs):
        if isinstance(job.trigger, Cron):
            cron = job.trigger
            app.scheduler.cron(cron.expression, cron.timezone, partial(cron.work, app), name=job.name)
        else:
            every = job.trigger
            run = partial(_run, app, job, every)
            app.scheduler.every(every.seconds, run, name=job.name, jitter=every.jitter, after=every.after)


async def _run(app: App, job: Job, every: Every) -> None:
    """Run a job, unless it belongs to a task that this replica does not hold.

    The poll of a cluster that another replica holds rests until the hold is gained (`polling.poll_gained`): of three
    replicas each has twice as many of them as it holds.
    """
    if not job.task or app.membership.hold(job.task) is not None:
        with within(new_trace()):
            await every.work(app)
    elif cluster_of(job.task) and job.task not in app.membership.holds:
        app.scheduler.rest(job.name)


async def update_status(app: App, channel: str) -> None:
    """Update the status line of a channel."""
    await app.status_reporter.update(channel)


async def post_report(app: App, due_at: float, job: ReportJob) -> None:
    """Post the summary or hand-over that is due."""
    try:
        await app.summaries.fire(job, due_at, app.wall())
    except StoreError as error:
        log.debug("summary.store_down", job=job.job, error=str(error))


async def catch_up(app: App) -> None:
    """Post reports that were due while no replica ran, or that could not be posted."""
    try:
        for job in app.report_jobs:
            await app.summaries.catch_up(job, app.wall())
    except StoreError as error:
        log.debug("summary.store_down", job=job.job, error=str(error))


async def sweep(app: App) -> None:
    """Expire and settle operations, resume unfinished deliveries, retry closed channels, update gauges."""
    _measure_load(app)
    members = app.membership
    app.metrics.replicas(members.active_replicas, members.holds if members.active else (), active=members.active)
    try:
        # One unit of work: with several replicas each begins it, however few clusters it holds.
        async with app.store.read() as uow:
            unfinished = await uow.operations.unfinished()
            await refresh_remote_notes(app, uow)
            await notice_reports(app, uow)
            health = await uow.outbox.health(app.clock())
            open_operations = await uow.operations.open_counts() if unfinished else {}
        app.metrics.outbox(health.depth, health.oldest_age, health.dead)
        app.metrics.operations_open(open_operations)
        await measure_outputs(app)
        check_of_cluster = app.membership.check_of_cluster
        if unfinished:
            await app.executor.expire_undecided(check_of_cluster)
            await app.executor.settle_unfinished(check_of_cluster)
        await app.executor.compare_settled(check_of_cluster)
        if unfinished:
            await app.reversions.end_due(check_of_cluster)
        # In the background: a resumed operation may watch its effect for half a minute.
        app.task_queue.start(_resume(app))
        await app.fallback.retry_closed_channels()
        await follow_removed_clusters(app)
    except StoreError as error:
        log.debug("sweep.store_down", error=str(error))


def _measure_load(app: App) -> None:
    for name in app.watches:
        if app.membership.hold(watch_of(name)) is None:
            app.admission.forget(name)
    load = app.admission
    app.metrics.load(load.waiting, load.skipped, load.stretch, reads_wait=app.read_pace.waiting)


async def follow_disks(app: App) -> None:
    """Begin the next one of several disks, and count the units on disks that were taken offline."""
    try:
        await app.drop_follower.follow(app.membership.check_of_cluster)
        async with app.store.read() as uow:
            unfinished = await uow.operations.unfinished()
        if unfinished:
            await app.disk_series.advance(app.membership.check_of_cluster)
    except StoreError as error:
        log.debug("disks.store_down", error=str(error))


async def _resume(app: App) -> None:
    """Resume accepted, unfinished deliveries, except those that this process already works on."""
    try:
        await app.dispatcher.resume()
    except StoreError as error:
        log.debug("resume.store_down", error=str(error))


async def check_watchdog(app: App) -> None:
    """Find the clusters of this replica that are not polled successfully, and fire their alerts."""
    now = app.clock()
    try:
        await app.watchdog.check(now, app.membership.check_of_cluster)
    except StoreError as error:
        log.debug("sentry.store_down", error=str(error))
    for name in app.watches:
        since = app.watchdog.stale.get(name, now)
        app.metrics.unpolled(name, now - since)


async def check_clock(app: App) -> None:
    """Post once that the system clock was set, in the alert channels of the clusters that this replica polls."""
    app.clock_guard.check()
    app.metrics.clock(app.clock_guard.ahead)
    if not app.clock_guard.jumps:
        return
    ours = {own.alert_channel for own in app.settings.clusters if app.membership.hold(watch_of(own.name))}
    try:
        async with app.store.begin() as uow:
            for jump in app.clock_guard.jumps:
                message = clock_set(app.membership.name, jump.by, jump.ahead)
                for channel in sorted(ours):
                    message_key = MessageKey.clock(app.membership.name, jump.at, channel)
                    await uow.outbox.put(message_key, channel, message)
    except StoreError as error:
        log.debug("clock.store_down", error=str(error))
        return
    app.clock_guard.jumps.clear()
    app.outbox.wake()


async def follow_reloads(app: App) -> None:
    """Read the settings again if a person asked every replica to."""
    try:
        if app.reloads is not None:
            await app.reloads.follow()
    except StoreError as error:
        log.debug("reload.store_down", error=str(error))


async def housekeeping(app: App) -> None:
    """Close what belongs to removed clusters, and delete rows past their retention."""
    await close_removed_clusters(app)
    try:
        if app.receivers is not None:
            await app.receivers.forget()
        deleted = await app.retention.apply()
        log.info("forget.done", rows=deleted)
    except StoreError as error:
        log.debug("forget.store_down", error=str(error))

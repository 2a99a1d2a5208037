"""The running program: its parts, the clock's jobs, and an orderly end."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog

from bot.alerting.cluster_state.counters import known_of, reign_notes, with_verdict
from bot.chatops.dispatcher import Dispatcher
from bot.chatops.inbox import Inbox
from bot.clustermgr.cluster import Cluster
from bot.common.errors import StoreError
from bot.config import Settings
from bot.delivery.fallback import Fallback
from bot.delivery.worker import Outbox
from bot.leadership.membership import Membership
from bot.leadership.model import HOUSEKEEPING, Hold, cluster_of, watch_of
from bot.leadership.remote_notes import RemoteNotes
from bot.runtime.clock import Guard
from bot.runtime.http_server import serving
from bot.runtime.scheduler import Scheduler, Trouble, TroubleKind
from bot.runtime.shutdown import Shutdown
from bot.runtime.status import StatusReporter
from bot.slack.client import SlackGateway
from bot.slack.installation import InstallationCheck
from bot.slack.middleware import Bolt
from bot.slack.socket_mode import SocketMode
from bot.slack.task_queue import TaskQueue
from bot.slack.token_status import TokenStatus
from bot.store.database import Store
from bot.store.retention import Retention
from bot.telemetry.heartbeat import Heartbeat
from bot.telemetry.loop_lag import LoopLag
from bot.telemetry.metrics import Metrics
from bot.views.alert_text.table import alert_text
from bot.views.notes import clock_set
from bot.watch import decommission
from bot.watch.alert_actions import AlertActions
from bot.watch.scheduled_reports import ReportJob, Summaries
from bot.watch.watchdog import Watchdog
from bot.watch.watcher import Watch
from bot.workflow.executor import Executor
from bot.workflow.lease_manager import LeaseManager
from bot.workflow.repository import OperationRepository

log = structlog.get_logger(__name__)

CATCH_UP_SECONDS = 300.0
"""How often summaries are looked for that were due and could not be posted, as while the database was away."""
SWEEP_SECONDS = 5.0
"""How often operations are expired and settled, and unfinished inbound work is taken up."""
CLOCK_SECONDS = 2.0
"""How often the system clock is compared with the clock of the process."""
WATCH = "watch"
"""The first word of the names of the jobs that look at clusters."""
FORGET_SECONDS = 3600.0
DRAIN_SECONDS = 3.0
"""How long an orderly end waits for what is under way."""
LAST_WORDS_SECONDS = 1.0
"""How long it then tries to send what is still to be said; the rest is sent after the next start."""
STEP_SECONDS = 1.0
"""How long every other step of an end may take at most."""

Clock = Callable[[], float]


@dataclass(slots=True)
class App:
    """All parts of the running program; `port` is where health, metrics and Slack's events are served.

    `clock` is the clock of the process, which nobody sets; `wall` is the system clock, by which crontabs go.
    """

    settings: Settings
    clock: Clock
    wall: Clock
    guard: Guard
    store: Store
    gateway: SlackGateway
    clusters: Mapping[str, Cluster]
    outbox: Outbox
    inbox: Inbox
    retention: Retention
    repository: OperationRepository
    fallback: Fallback
    status_reporter: StatusReporter
    heartbeat: Heartbeat
    runner: Executor
    lease_manager: LeaseManager
    dispatcher: Dispatcher
    watches: Mapping[str, Watch]
    watchdog: Watchdog
    alert_actions: AlertActions
    summaries: Summaries
    entries: Sequence[ReportJob]
    background: TaskQueue
    bolt: Bolt
    gate: InstallationCheck
    socket: SocketMode | None
    standing: TokenStatus
    metrics: Metrics
    lag: LoopLag
    membership: Membership
    noted: dict[str, Mapping[str, Any]]
    taken: dict[str, Hold] = field(default_factory=dict)
    """Under which hold each cluster was looked at last."""
    heard: RemoteNotes = field(default_factory=RemoteNotes)
    died: list[str] = field(default_factory=list)
    """Parts of the program that ended by themselves, which none may."""
    troubles: Counter[tuple[str, TroubleKind]] = field(default_factory=Counter)
    port: int = 0
    started: asyncio.Event = field(default_factory=asyncio.Event)


async def check_watchdog(app: App) -> None:
    """Find out whether a watch is blind."""
    now = app.clock()
    try:
        await app.watchdog.check(now, app.membership.fence_for)
    except StoreError as error:
        log.debug("sentry.store_down", error=str(error))
    for name in app.watches:
        since = app.watchdog.blind.get(name, now)
        app.metrics.blind(name, now - since)


async def sweep(app: App) -> None:
    """What the clock asks for besides looking: expire, settle, take up unfinished work."""
    try:
        await app.runner.sweep(app.membership.fence_for)
        await app.lease_manager.sweep(app.membership.fence_for)
        # Not waited for: what is resumed may watch its effect for half a minute.
        app.background.start(resume(app))
        await refresh_remote_notes(app)
        await app.fallback.sweep()
        health = await app.outbox.health()
        app.metrics.outbox(health.depth, health.oldest_age, health.dead)
        async with app.store.read() as uow:
            told = await uow.alerts.told()
        for name in app.clusters:
            app.metrics.alerts_open(name, told.get(name, 0))
        app.metrics.replicas(app.membership.living, app.membership.holds)
    except StoreError as error:
        log.debug("sweep.store_down", error=str(error))


async def resume(app: App) -> None:
    """Take up what was accepted and not finished; what this process works on already is left alone."""
    try:
        await app.dispatcher.resume()
    except StoreError as error:
        log.debug("resume.store_down", error=str(error))


async def refresh_remote_notes(app: App) -> None:
    """Learn what the watches of other processes noted, for those who ask here."""
    others = [name for name in app.clusters if app.membership.hold(watch_of(name)) is None]
    if others:
        async with app.store.read() as uow:
            notes = await uow.memory.several(others)
        app.noted.update({name: app.heard.dated(name, note, app.clock()) for name, note in notes.items()})


async def close_gone(app: App) -> None:
    """Close what was open on clusters that no settings name any more, those of other processes included."""
    if not app.membership.alive:
        return
    try:
        known = {*app.clusters, *filter(None, map(cluster_of, app.membership.known))}
        await app.runner.close_gone(known)
        channels = {own.alert_channel for own in app.settings.clusters}
        if await decommission.close_gone(app.store, known, channels, app.clock()):
            app.outbox.wake()
    except StoreError as error:
        log.debug("close_gone.store_down", error=str(error))


async def summarise(app: App, entry: ReportJob, due_at: float) -> None:
    """Post the summary that is due."""
    try:
        await app.summaries.fire(entry, due_at, app.wall())
    except StoreError as error:
        log.debug("summary.store_down", job=entry.job, error=str(error))


async def catch_up(app: App) -> None:
    """Post the summaries that were due while nothing ran, or while they could not be posted."""
    try:
        for entry in app.entries:
            await app.summaries.catch_up(entry, app.wall())
    except StoreError as error:
        log.debug("summary.store_down", error=str(error))


async def mind_clock(app: App) -> None:
    """Announce once that the system clock was set, in the channels of the clusters that are this process's to watch."""
    app.guard.look()
    app.metrics.clock(app.guard.ahead)
    if not app.guard.jumps:
        return
    ours = {own.alert_channel for own in app.settings.clusters if app.membership.hold(watch_of(own.name))}
    try:
        async with app.store.begin() as uow:
            for jump in app.guard.jumps:
                message = clock_set(app.membership.name, jump.by, jump.ahead)
                for channel in sorted(ours):
                    slot = f"clock:{app.membership.name}:{jump.at:.0f}:{channel}"
                    await uow.outbox.put(slot, channel, message)
    except StoreError as error:
        log.debug("clock.store_down", error=str(error))
        return
    app.guard.jumps.clear()
    app.outbox.wake()


async def forget(app: App) -> None:
    """Drop what is done with; one process of all does it."""
    if app.membership.hold(HOUSEKEEPING) is None:
        return
    await close_gone(app)
    try:
        gone = await app.retention.carry_out()
        log.info("forget.done", rows=gone)
    except StoreError as error:
        log.debug("forget.store_down", error=str(error))


async def tick(app: App, name: str) -> None:
    """One look of the watch at one cluster, if it is this process's to watch."""
    hold = app.membership.hold(watch_of(name))
    if hold is None:
        return
    watch = app.watches[name]
    if app.taken.get(name) != hold:
        watch.resume()
        app.taken[name] = hold
    began = app.clock()
    await watch.tick(began, app.membership.fence(hold))
    now, outcome = app.clock(), "failed" if watch.pulse.failures else "done"
    # Prometheus compares it with the time of day of its own host.
    app.metrics.tick(name, outcome, now - began, app.wall())
    if watch.latest is not None:
        leader, known = watch.latest.leader, watch.known
        if known.at != watch.latest.at:
            # The store could not be asked: what is known is of an earlier look.
            facts = known_of(reign_notes(known), watch.latest, watch.watched.rules, watch.alerts, alert_text)
            known = with_verdict(known, watch.latest, watch.before, facts)
        app.noted[name] = {
            "at": watch.latest.at,
            "level": known.level,
            "verdict": known.verdict,
            "reign": reign_notes(known),
            "leader": leader[1].raft_status.node_id if leader else 0,
            "leader_host": leader[0] if leader else "",
            "term": watch.latest.term,
            "answered": len(watch.latest.answered),
        }
    if app.heartbeat.due(now):
        app.background.start(app.heartbeat.beat(now, app.status_reporter.trouble))


@asynccontextmanager
async def running(app: App) -> AsyncIterator[App]:
    """Run everything until the block ends: connection to Slack, outbox, watches, sweeps; then end in order."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(app))
        end = Shutdown(stack)
        _until_end(app, end, app.lag.run(), "lag")
        end.then("leave", STEP_SECONDS, app.membership.leave)
        await app.membership.try_to_beat()
        _until_end(app, end, app.membership.run(), "membership")
        end.then("last words", LAST_WORDS_SECONDS, partial(_last_words, app))
        end.then("farewell", STEP_SECONDS, app.status_reporter.announce_shutdown)
        _until_end(app, end, app.outbox.run(), "outbox")
        # Before the outbox ends: work under way waits for its cards, and what it comes to is to be told.
        end.then("drain", DRAIN_SECONDS + STEP_SECONDS, partial(app.background.drain, DRAIN_SECONDS))
        # Others may watch as soon as this one does not, whatever it still has to finish.
        end.then("release", STEP_SECONDS, app.membership.release)
        await close_gone(app)
        scheduler = _schedule(app)
        scheduler.start()
        app.membership.gained = partial(_take_up, scheduler)
        end.then("schedule", STEP_SECONDS, scheduler.stop)
        app.background.start(app.gate.learn())
        if app.socket is not None:
            _until_end(app, end, app.socket.run(), "socket")
        _until_end(app, end, app.standing.run(), "standing")
        app.started.set()
        yield app


def _take_up(scheduler: Scheduler, tasks: Sequence[str]) -> None:
    """Look at once at the clusters that came: nobody may have looked at them for a while."""
    for cluster in filter(None, map(cluster_of, tasks)):
        scheduler.soon(_watch_job(cluster))


def _watch_job(cluster: str) -> str:
    return f"{WATCH} {cluster}"


async def _last_words(app: App) -> None:
    try:
        await app.outbox.drain()
    except StoreError as error:
        log.warning("end.unsent", error=str(error))


def _until_end(app: App, end: Shutdown, work: Any, name: str) -> None:
    """Run `work` beside the rest, and stop it at its turn; when it ends by itself the process is not alive any more."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(partial(_died, app))
    end.then(name, STEP_SECONDS, partial(_stop, task))


def _died(app: App, task: asyncio.Task[None]) -> None:
    if task.cancelled() or task.exception() is None:
        return
    app.died.append(task.get_name())
    log.error("task.died", task=task.get_name(), exc_info=task.exception())


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _trouble(app: App, trouble: Trouble) -> None:
    app.metrics.trouble(trouble.name, trouble.kind.name.lower())
    kind, _, cluster = trouble.name.partition(" ")
    if kind == WATCH and cluster in app.watches:
        app.watchdog.trouble(cluster, f"The look of its turn did not come: {trouble.kind.value}.")
    app.troubles[trouble.name, trouble.kind] += 1
    times = app.troubles[trouble.name, trouble.kind]
    if times & (times - 1) and trouble.error is None:
        # The 1st, 2nd, 4th, 8th …: a slow cluster would fill the log.
        return
    log.warning(
        "schedule.trouble",
        times=times,
        job=trouble.name,
        what=trouble.kind.value,
        error=str(trouble.error or ""),
        exc_info=trouble.error,
    )


def _schedule(app: App) -> Scheduler:
    scheduler = Scheduler(partial(_trouble, app))
    for own in app.settings.clusters:
        scheduler.every(
            own.poll_interval,
            partial(tick, app, own.name),
            name=_watch_job(own.name),
            jitter=own.poll_interval / 10,
        )
    for each in app.settings.status:
        scheduler.every(each.every, partial(app.status_reporter.show, each.channel), name=f"status {each.channel}")
    for entry, change_request in zip(app.entries, app.settings.summaries, strict=True):
        scheduler.cron(change_request.cron, change_request.timezone, partial(summarise, app, entry), name=entry.job)
    scheduler.every(CATCH_UP_SECONDS, partial(catch_up, app), name="catch up")
    scheduler.every(SWEEP_SECONDS, partial(sweep, app), name="sweep")
    scheduler.every(SWEEP_SECONDS, partial(check_watchdog, app), name="sentry")
    scheduler.every(CLOCK_SECONDS, partial(mind_clock, app), name="clock")
    scheduler.every(FORGET_SECONDS, partial(forget, app), name="forget")
    return scheduler

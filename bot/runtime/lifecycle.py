"""The life of the program: start, serve, stop. Each phase starts its part, waits, and stops the part at the end."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import structlog

from bot.common.errors import StoreError
from bot.runtime import jobs
from bot.runtime.handover import KeptOpen
from bot.runtime.http_server import serving
from bot.runtime.parts import App
from bot.runtime.removed_clusters import close_removed_clusters
from bot.runtime.shutdown import Shutdown

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 3.0
"""Time in which a stop waits for commands and operations in progress."""
LAST_MESSAGES_SECONDS = 1.0
"""Time in which a stop then sends waiting messages; the next start sends the rest."""
STEP_SECONDS = 1.0
"""Limit of every other step of a stop."""


@asynccontextmanager
async def running(app: App, handover: KeptOpen | None = None) -> AsyncIterator[App]:
    """Start everything, serve until the block ends, then stop everything in the opposite order.

    `handover` has what an earlier build of the same process left, and keeps what this one leaves if it is reloaded.
    """
    stop = Shutdown()
    async with (
        serving(app, handover),
        _background(app, stop, "lag", app.loop_lag.run()),
        _membership(app, stop),
        _delivery(app, stop),
        _work(app, stop),
        _schedule(app, stop),
        _slack(app, stop, handover),
    ):
        app.state.started.set()
        yield app


@asynccontextmanager
async def _membership(app: App, stop: Shutdown) -> AsyncIterator[None]:
    """Join the replicas and send heartbeats; deregister at the end."""
    async with stop.step_after("leave", STEP_SECONDS, app.membership.leave):
        await app.membership.try_to_beat()
        async with _background(app, stop, "membership", app.membership.run()):
            yield


@asynccontextmanager
async def _delivery(app: App, stop: Shutdown) -> AsyncIterator[None]:
    """Send messages; at the end announce the shutdown and send what still waits."""
    async with (
        stop.step_after("last messages", LAST_MESSAGES_SECONDS, partial(_send_waiting, app)),
        stop.step_after("announce shutdown", STEP_SECONDS, partial(_announce_end, app)),
        _background(app, stop, "outbox", app.outbox.run()),
        _outputs(app, stop),
    ):
        yield


@asynccontextmanager
async def _outputs(app: App, stop: Shutdown) -> AsyncIterator[None]:
    """Send alerts to receivers outside Slack, if there are any; the next start sends the rest."""
    async with AsyncExitStack() as stack:
        if app.outputs is not None:
            await stack.enter_async_context(_background(app, stop, "outputs", app.outputs.run()))
        yield


@asynccontextmanager
async def _work(app: App, stop: Shutdown) -> AsyncIterator[None]:
    """Leave the work to other replicas at the end, and finish what is in progress while the outbox still sends."""
    async with (
        stop.step_after("drain", DRAIN_SECONDS + STEP_SECONDS, partial(app.task_queue.drain, DRAIN_SECONDS)),
        stop.step_after("release", STEP_SECONDS, app.membership.release),
    ):
        yield


@asynccontextmanager
async def _schedule(app: App, stop: Shutdown) -> AsyncIterator[None]:
    """Run the periodic jobs; at the end start none any more and wait for those that run."""
    await close_removed_clusters(app)
    jobs.schedule(app)
    app.scheduler.start()

    async def end() -> None:
        app.admission.closed = True
        app.state_saver.close()
        await app.scheduler.stop()

    async with stop.step_after("schedule", STEP_SECONDS, end):
        yield


@asynccontextmanager
async def _slack(app: App, stop: Shutdown, handover: KeptOpen | None) -> AsyncIterator[None]:
    """Take what Slack delivers, and check the tokens."""
    app.task_queue.start(app.installation.learn())
    async with AsyncExitStack() as stack:
        if app.socket is not None:
            if handover is not None:
                app.socket.take_over(handover.slack)
            await stack.enter_async_context(_background(app, stop, "socket", app.socket.run()))
        elif handover is not None:
            # From now on Slack delivers over HTTP: it must not go on with a connection that no one reads.
            await handover.slack.close()
        await stack.enter_async_context(_background(app, stop, "standing", app.token_status.run()))
        try:
            yield
        finally:
            if app.socket is not None and handover is not None and app.state.reloading:
                app.socket.leave_to(handover.slack)


@asynccontextmanager
async def _background(app: App, stop: Shutdown, name: str, work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` as a task until the block ends; when it ends by itself, the process reports itself as unhealthy."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(partial(_note_end, app))
    async with stop.step_after(name, STEP_SECONDS, partial(_cancel, task)):
        yield


def _note_end(app: App, task: asyncio.Task[None]) -> None:
    if task.cancelled() or task.exception() is None:
        return
    app.state.ended_parts.append(task.get_name())
    log.error("task.died", task=task.get_name(), exc_info=task.exception())


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _announce_end(app: App) -> None:
    """Say in the status lines that no cluster is watched; not for the moment of a reload."""
    if not app.state.reloading:
        await app.status_reporter.announce_shutdown()


async def _send_waiting(app: App) -> None:
    try:
        await app.outbox.drain()
    except StoreError as error:
        log.warning("end.unsent", error=str(error))

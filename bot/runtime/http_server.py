"""The HTTP server: health, readiness, metrics and, without Socket Mode, Slack's deliveries."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from bot.leadership.model import watch_of
from bot.runtime.cluster_gauges import gauges
from bot.runtime.handover import KeptOpen, cannot_listen
from bot.runtime.outputs import outputs_remark
from bot.runtime.parts import App
from bot.runtime.settings_mapping import names_no_default
from bot.slack.http import HttpDelivery
from bot.telemetry.health import Attempt, Health, Probe, served, socket_alive
from bot.views.policy_text import NOTE

MAX_DISCONNECTED = 120.0
"""Seconds without a connection to Slack after which `/healthz` asks for a restart."""


@asynccontextmanager
async def serving(app: App, handover: KeptOpen | None = None) -> AsyncIterator[int]:
    """Serve health, metrics and (without Socket Mode) Slack's events; yield the port."""
    writes = Attempt(partial(_store_ready, app), hanging="no write succeeds: it is locked, or its disk does not answer")
    server = _pages(app, writes).server()
    if app.socket is None:
        HttpDelivery(app.bolt, app.settings.secrets.slack_signing_secret.get_secret_value()).mount(server)
    if app.intake is not None:
        app.intake.mount(server)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(writes.close)
        host, wanted = app.settings.http.host, app.settings.http.port
        try:
            bound = await handover.sockets(host, wanted) if handover else ()
            port = await stack.enter_async_context(served(server, host, wanted, bound))
        except OSError as error:
            raise cannot_listen(host, wanted, error) from error
        app.state.port = port
        if handover:
            handover.keep_only(host, wanted)
        yield port


def _pages(app: App, writes: Probe) -> Health:
    """Build the pages with their probes. A restart helps only against what `live` names.

    An orchestrator restarts by `alive`: while Slack is down a restart would only interrupt the polls.
    """
    alive: dict[str, Probe] = {"parts": partial(_parts_alive, app)}
    live = dict(alive)
    app.metrics.read_clusters(partial(gauges, app))
    app.metrics.watch_loop(lambda: app.loop_lag.longest)
    if app.socket is not None:
        socket_ = app.socket
        live["slack"] = socket_alive(
            # A rejected token does not fail `/healthz`: a restart would stop the polls and repair nothing.
            lambda: 0.0 if app.token_status.rejected else socket_.dead_for,
            longest=MAX_DISCONNECTED,
            last_error=lambda: socket_.last_error,
        )
        app.metrics.watch_socket(lambda: socket_.dead_for, lambda: socket_.quiet_for)
    ready: dict[str, Probe] = {
        **live,
        "store": writes,
        "outbox": app.status_reporter.outbox_problem,
        "slack": partial(_slack_ready, app, live.get("slack")),
        "loop": app.loop_lag.problem,
        "watch": partial(_watch_ready, app),
        "channels": app.fallback.problem,
        "policies": _no_problem,
    }
    if app.outputs is not None:
        # A remark only: a receiver that fails must not take the deliveries of Slack away from this process.
        ready["outputs"] = _no_problem
    return Health(
        app.metrics,
        alive=alive,
        live=live,
        ready=ready,
        remarks={
            "slack": app.token_status.problem,
            "loop": app.loop_lag.remark,
            "watch": app.status_reporter.load_remark,
            "policies": lambda: NOTE if names_no_default(app.settings, app.began_as) else "",
            "outputs": partial(outputs_remark, app),
        },
        watches=partial(_polled_here, app),
    )


async def _no_problem() -> str:
    """Stand for a part that has remarks only."""
    return ""


async def _store_ready(app: App) -> str:
    """Try a write: reading still succeeds with a full disk or a locked file."""
    async with app.store.begin() as uow:
        await uow.scheduled_runs.try_write(app.membership.name)
    return ""


async def _parts_alive(app: App) -> str:
    ended = ", ".join(app.state.ended_parts)
    return f"restart cmbot: {ended} ended unexpectedly" if ended else ""


async def _slack_ready(app: App, connected: Probe | None) -> str:
    return app.token_status.problem() or (await connected() if connected else "")


async def _watch_ready(app: App) -> str:
    if idle := app.membership.idle(tuple(app.clusters)):
        return idle
    stale = [f"{name} for {app.clock() - since:.0f} s" for name, since in app.watchdog.stale.items()]
    return f"not polled successfully: {', '.join(stale)}" if stale else ""


def _polled_here(app: App) -> list[str]:
    return [name for name in app.clusters if app.membership.hold(watch_of(name)) is not None]

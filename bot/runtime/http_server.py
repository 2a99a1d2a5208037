"""What the program serves over HTTP: health, readiness, metrics and, without Socket Mode, Slack's deliveries."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from bot.common.errors import ConfigError, system_words
from bot.leadership.model import watch_of
from bot.slack.http import HttpDelivery
from bot.telemetry.health import Attempt, Health, Probe, served, socket_alive

if TYPE_CHECKING:
    from bot.runtime.lifecycle import App

LONGEST_DEAD_SOCKET = 120.0
"""Seconds without a live connection to Slack after which the process asks to be restarted."""


@asynccontextmanager
async def serving(app: "App") -> AsyncIterator[int]:
    """Serve health, metrics and (without Socket Mode) Slack's events; gives the port."""
    live: dict[str, Probe] = {"parts": partial(_parts_alive, app)}
    writes = Attempt(partial(_store_ready, app), hanging="no write comes through: locked, or the disk does not answer")
    if app.socket is not None:
        socket_ = app.socket
        live["slack"] = socket_alive(
            # A restart would end the watch and make no rejected token good.
            lambda: 0.0 if app.standing.rejected else socket_.dead_for,
            longest=LONGEST_DEAD_SOCKET,
            last_error=lambda: socket_.last_error,
        )
        app.metrics.watch_socket(lambda: socket_.dead_for, lambda: socket_.quiet_for)
    ready: dict[str, Probe] = {**live, "store": writes, "outbox": app.status_reporter.outbox_trouble}
    ready["slack"] = partial(_slack_ready, app, live.get("slack"))
    app.metrics.watch_loop(lambda: app.lag.longest)
    ready["loop"] = app.lag.trouble
    ready["watch"] = lambda: _watch_ready(app)
    ready["channels"] = app.fallback.problem
    server = Health(
        app.metrics,
        live=live,
        ready=ready,
        remarks={"slack": app.standing.problem, "loop": app.lag.remark},
        watches=partial(_watches, app),
    ).server()
    if app.socket is None:
        HttpDelivery(app.bolt, app.settings.secrets.slack_signing_secret.get_secret_value()).mount(server)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(writes.close)
        try:
            app.port = await stack.enter_async_context(served(server, app.settings.http.host, app.settings.http.port))
        except OSError as error:
            where = f"{app.settings.http.host}:{app.settings.http.port}"
            raise ConfigError(
                f"http.port: cannot listen on {where} ({system_words(error)}); choose another."
            ) from error
        yield app.port


async def _store_ready(app: "App") -> str:
    """Try a write: a full disk and a locked file still read well."""
    async with app.store.begin() as uow:
        await uow.firings.tried(app.membership.name)
    return ""


async def _parts_alive(app: "App") -> str:
    return f"{', '.join(app.died)} ended by itself: restart cmbot" if app.died else ""


async def _slack_ready(app: "App", connected: Probe | None) -> str:
    return app.standing.problem() or (await connected() if connected else "")


async def _watch_ready(app: "App") -> str:
    if idle := app.membership.idle(tuple(app.clusters)):
        return idle
    blind = [f"{name} for {app.clock() - since:.0f} s" for name, since in app.watchdog.blind.items()]
    return f"no look comes through at {', '.join(blind)}" if blind else ""


def _watches(app: "App") -> list[str]:
    return [name for name in app.clusters if app.membership.hold(watch_of(name)) is not None]

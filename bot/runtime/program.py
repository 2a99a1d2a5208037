"""The program from its start to its end, over reloads: each builds it again with the new settings."""

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import structlog

from bot.config import Settings
from bot.runtime.app import build
from bot.runtime.handover import KeptOpen
from bot.runtime.lifecycle import running
from bot.runtime.memory import collect_and_spare, collected_by_time, share_one_heap, spare
from bot.runtime.parts import App
from bot.runtime.reload import Read, Reloads
from bot.runtime.signals import Signals
from bot.telemetry.tracer import NO_TRACER, Tracer

log = structlog.get_logger(__name__)

QUIET_SECONDS = 2.0
"""Seconds for which a reload waits for answers in progress before it stops anything."""


@dataclass(slots=True)
class Program:
    """Runs until a signal ends it. `read` reads the settings again; `use` takes the settings that are used from now on.

    `wait_for_server` seconds are waited for an unavailable database server at each build.
    """

    read: Read
    use: Callable[[Settings], None]
    wait_for_server: float
    tracer: Tracer = NO_TRACER
    _stopped_at: float = 0.0

    async def run(self, settings: Settings, signals: Signals) -> None:
        """Run with `settings`, then with those of each reload. Raises CmbotError if the first build fails."""
        share_one_heap()
        async with AsyncExitStack() as stack:
            handover = KeptOpen()
            stack.push_async_callback(handover.close)
            reloads = Reloads(settings, self.read, handover)
            before: Settings | None = None
            while not signals.ending:
                now = reloads.settings
                try:
                    self.use(now)
                    await self._once(now, reloads, handover, signals)
                except Exception as error:
                    # Also an error that no check foresaw: the program must go on with the old settings.
                    if not reloads.accepted.is_set():
                        raise
                    if reloads.settings is not now:
                        # The program before the reload failed at its end; the new one is built all the same.
                        log.warning("reload.end_failed", exc_info=error)
                        before = now
                    elif before is None:
                        log.exception("reload.ended", what="the old settings cannot be used either, so cmbot ends")
                        raise
                    else:
                        reloads.failed(error, before)
                        before = None
                else:
                    before = now

    async def _once(self, settings: Settings, reloads: Reloads, handover: KeptOpen, signals: Signals) -> None:
        """Build the program and serve until a signal or a reload ends that."""
        async with (
            signals.starting(),
            build(settings, wait_for_server=self.wait_for_server, tracer=self.tracer, reloads=reloads) as app,
            running(app, handover),
            collected_by_time(app.task_queue.idle, reloaded=bool(self._stopped_at)),
        ):
            reloads.bind(app)
            self._started(app)
            while not await signals.ended_or(reloads.accepted):
                await reloads.by_signal()
            if reloads.accepted.is_set() and not signals.ending:
                await app.task_queue.idle(QUIET_SECONDS)
                app.state.reloading = True
                self._stopped_at = time.monotonic()

    def _started(self, app: App) -> None:
        if not self._stopped_at:
            # A start has made hardly any garbage, and has no time to look for it.
            spare()
        else:
            collect_and_spare()
            seconds = round(time.monotonic() - self._stopped_at, 2)
            log.info("reload.done", seconds=seconds, clusters=len(app.clusters))

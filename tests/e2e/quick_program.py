"""`python -m tests.e2e.quick_program CONFIG`: the program, which looks for its own work four times a second.

A real one looks at its operations every few seconds, and at the disks that are being dropped once a minute.
"""

import asyncio
import sys
from pathlib import Path

from bot.config import load
from bot.runtime import jobs
from bot.runtime.app import build
from bot.runtime.lifecycle import running
from bot.telemetry.logs import set_up

EVERY = 0.25


async def run(config: Path) -> None:
    """Run until the process is killed."""
    settings = load(config)
    set_up(settings.log_level, settings.all_secrets, as_json=True)
    jobs.SWEEP_SECONDS = EVERY
    async with build(settings, wait_for_server=10.0) as app:
        app.drop_follower.every = app.disk_series.every = EVERY
        async with running(app):
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))

"""What `cmbot run` and the other commands have in common: how they load the settings, log and fail."""

import argparse
import asyncio
import io
import sys
from collections.abc import Callable, Coroutine, Iterable

import structlog

from bot import config
from bot.common.errors import CmbotError
from bot.config import Settings
from bot.telemetry.logs import set_up
from bot.views.errors import error_text

log = structlog.get_logger(__name__)

Job = Callable[[argparse.Namespace], Coroutine[None, None, int]]
"""The work of a command, which returns its exit status."""


def perform(job: Job, args: argparse.Namespace) -> int:
    """Do the work; return 0 for success, 1 for a failure, 2 for a wrong call, 130 if interrupted."""
    # A character that the encoding of the output lacks is replaced; it must not end the command.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        return asyncio.run(job(args))
    except CmbotError as error:
        from rich.console import Console  # noqa: PLC0415 - `run` has no other use for it

        Console(stderr=True).print(f"cmbot: {error_text(error)}", style="red", markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        return 130


def settings_of(args: argparse.Namespace, *, clusters: bool = True, secrets: Iterable[str] = ()) -> Settings:
    """Load the settings and start logging; without `clusters` their tokens are not required.

    Logs hide `secrets` too.
    """
    settings = config.load(args.config, tokens=clusters)
    start_logging(settings, secrets)
    for remark in settings.remarks:
        log.warning("settings.remark", what=remark)
    return settings


def start_logging(settings: Settings, secrets: Iterable[str]) -> None:
    """Log as the settings say, without their secrets and `secrets`."""
    set_up(settings.log_level, [*settings.all_secrets, *secrets], as_json=not sys.stderr.isatty())

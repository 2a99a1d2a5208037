"""The work of `cmbot run`. What only other commands need is not loaded for it: that would delay each start."""

import argparse
import gc
from functools import partial

from bot import config
from bot.cli.job import settings_of, start_logging
from bot.common.errors import ConfigError
from bot.config import Settings
from bot.config.traces import TraceExport
from bot.runtime.file_limit import raise_file_limit
from bot.runtime.program import Program
from bot.runtime.signals import END_SECONDS, Signals
from bot.runtime.traces import exported_traces
from bot.slack.tokens import bot_fault, delivery_fault
from bot.telemetry.python_faults import logged_faults

WAIT_FOR_DATABASE = 60.0
"""Seconds that a start waits for a database server that is down before it fails."""


async def run(args: argparse.Namespace) -> int:
    """Run the bot until a signal ends it."""
    # What was imported stays: the collections of garbage while the program is built leave it out.
    gc.freeze()
    traces = TraceExport()
    settings = settings_of(args, secrets=traces.secrets)
    refuse_faulty_tokens(settings)
    raise_file_limit()
    use = partial(start_logging, secrets=traces.secrets)
    with (
        logged_faults(),
        Signals(hangup_ends=False, end_within=END_SECONDS) as signals,
        exported_traces(traces) as tracer,
    ):
        await Program(partial(_read_again, args), use, WAIT_FOR_DATABASE, tracer).run(settings, signals)
        signals.orderly()
    return 0


def refuse_faulty_tokens(settings: Settings) -> None:
    """Raise ConfigError for tokens of a wrong form; only Slack can check the others."""
    own = settings.secrets
    app, signing = own.slack_app_token.get_secret_value(), own.slack_signing_secret.get_secret_value()
    found = (bot_fault(own.slack_bot_token.get_secret_value()), delivery_fault(app, signing))
    if faults := [fault.sentence for fault in found if fault is not None]:
        raise ConfigError("\n".join(faults))


def _read_again(args: argparse.Namespace) -> Settings:
    settings = config.load(args.config)
    refuse_faulty_tokens(settings)
    return settings

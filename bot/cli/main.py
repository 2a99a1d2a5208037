"""The `cmbot` command line: run, demo, check, status, replicas, migrate, export, import, audit."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console

from bot import config
from bot.audit.chain import parse_head
from bot.cli import replicas
from bot.cli.audit import FORMATS, export_store, guards_of, told, unguarded, verify_file, verify_store
from bot.cli.check import checkup, look_at_all, refuse_faulty_tokens, table
from bot.cli.transfer import export_state, import_state
from bot.common.errors import CmbotError
from bot.common.version import told_version
from bot.config import Settings
from bot.runtime.app import build
from bot.runtime.lifecycle import running
from bot.runtime.signals import Signals
from bot.store.database import Store
from bot.telemetry.logs import set_up

WAIT_FOR_DATABASE = 60.0
"""Seconds for which a start waits for a database server that is down; then whoever started it should know."""

_FORCE = "replace the file if it exists"

NO_PLAYGROUND = (
    "The demo is not part of an installed cmbot. Get a checkout of its repository and run `make demo` in it."
)

Job = Callable[[argparse.Namespace], Awaitable[int]]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 when all is well, 1 when something is wrong, 2 for a wrong call."""
    args = _parser().parse_args(argv)
    job: Job = args.job
    try:
        return asyncio.run(_interruptible(job, args))
    except CmbotError as error:
        Console(stderr=True).print(f"cmbot: {error}", style="red", markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        return 130


async def _interruptible(job: Job, args: argparse.Namespace) -> int:
    return await job(args)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cmbot", description="ChatOps for CubeFS BlobStore's Clustermgr, in Slack.")
    parser.add_argument("--version", action="version", version=told_version())
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    with_config = argparse.ArgumentParser(add_help=False)
    with_config.add_argument("--config", type=Path, help="the settings (default: $CMBOT_CONFIG, else config.yaml)")
    _add(commands.add_parser("run", parents=[with_config], help="run the bot"), _run)
    trial = commands.add_parser("demo", help="try it out: simulated clusters and a local workspace in the browser")
    trial.add_argument("--port", type=int, help="of the page (default: 8484, else any free)")
    trial.add_argument("--verbose", action="store_true", help="show the bot's log")
    _add(trial, _demo)
    help_check = "validate the settings and every token, scope, channel and host they name"
    _add(commands.add_parser("check", parents=[with_config], help=help_check), _check)
    _add(commands.add_parser("status", parents=[with_config], help="look at every cluster once"), _status)
    help_replicas = "show which processes live, and which of them watches and runs what"
    _add(commands.add_parser("replicas", parents=[with_config], help=help_replicas), _replicas)
    _add(commands.add_parser("migrate", parents=[with_config], help="bring the database up to date"), _migrate)
    _moving(commands, with_config)
    audit = commands.add_parser("audit", help="prove the audit log, or write it to a file")
    _audit(audit.add_subparsers(required=True, metavar="WHAT"), with_config)
    return parser


def _audit(whats: Any, with_config: argparse.ArgumentParser) -> None:
    proof = whats.add_parser("verify", parents=[with_config], help="find the first row that does not fit, if any")
    proof.add_argument("--file", type=Path, help="an export in JSON lines instead of the database")
    proof.add_argument(
        "--head", metavar="ROW:HASH", help="what an earlier look gave as the end: it must be there still"
    )
    _add(proof, _audit_verify)
    export = whats.add_parser("export", parents=[with_config], help="write all rows to a file")
    export.add_argument("--format", choices=FORMATS, required=True, help="jsonl can be proven, csv is for people")
    export.add_argument("--out", type=Path, required=True, help="the file")
    export.add_argument("--force", action="store_true", help=_FORCE)
    _add(export, _audit_export)


def _moving(commands: Any, with_config: argparse.ArgumentParser) -> None:
    export = commands.add_parser("export", parents=[with_config], help="write the whole state to a file")
    export.add_argument("file", type=Path, metavar="FILE", help="JSON lines")
    export.add_argument("--force", action="store_true", help=_FORCE)
    _add(export, _export)
    fill = commands.add_parser("import", parents=[with_config], help="fill an empty database with an export")
    fill.add_argument("file", type=Path, metavar="FILE", help="what `cmbot export` wrote")
    _add(fill, _import)


def _add(parser: argparse.ArgumentParser, job: Job) -> None:
    parser.set_defaults(job=job)


def _settings(args: argparse.Namespace, *, clusters: bool = True) -> Settings:
    """The settings; without `clusters`, for what asks none of them, their tokens need not be there."""
    settings = config.load(args.config, tokens=clusters)
    set_up(settings.log_level, settings.all_secrets, as_json=not sys.stderr.isatty())
    return settings


async def _run(args: argparse.Namespace) -> int:
    settings = _settings(args)
    refuse_faulty_tokens(settings)
    with Signals(hangup_ends=False) as signals:
        async with signals.starting(), build(settings, wait_for_server=WAIT_FOR_DATABASE) as app, running(app):
            await signals.ended()
    return 0


async def _demo(args: argparse.Namespace) -> int:
    if find_spec("bot.playground") is None:
        Console(stderr=True).print(f"cmbot: {NO_PLAYGROUND}", style="red", markup=False, highlight=False)
        return 2
    set_up("info" if args.verbose else "error", (), as_json=False)
    from bot.cli.demo import PAGE_PORT, demo  # noqa: PLC0415 - only a checkout has the simulations

    with Signals(hangup_ends=True) as signals:
        return await _show(signals, demo(port=PAGE_PORT if args.port is None else args.port))


async def _show(signals: Signals, world: AbstractAsyncContextManager[Any]) -> int:
    async with signals.starting(), world as parts:
        out = Console()
        out.print("\ncmbot's demo is running. Open this page:\n")
        out.print(f"    {parts.slack.page_url}\n", style="bold cyan")
        out.print("Type /cm stat there, break a disk, kill the leader. Ctrl-C ends it; nothing is kept.\n")
        sys.stdout.flush()
        await signals.ended()
    return 0


async def _check(args: argparse.Namespace) -> int:
    rows = await checkup(_settings(args))
    Console().print(table(rows))
    return 0 if all(row.well for row in rows) else 1


async def _status(args: argparse.Namespace) -> int:
    rows = await look_at_all(_settings(args))
    Console().print(table(rows))
    return 0 if all(row.well for row in rows) else 1


async def _replicas(args: argparse.Namespace) -> int:
    seen, running_now = await replicas.look(_settings(args, clusters=False).store_url)
    Console().print(replicas.table(seen, running_now))
    for name in (unwatched := replicas.unheld(seen)):
        Console().print(f"Nobody watches {name} just now.", markup=False, highlight=False)
    return 0 if seen.active and not unwatched else 1


async def _migrate(args: argparse.Namespace) -> int:
    settings = _settings(args, clusters=False)
    async with Store.open(settings.store_url) as store:
        await store.migrate()
        Console().print(f"{store.where} is up to date.", markup=False, highlight=False)
    return 0


async def _export(args: argparse.Namespace) -> int:
    moved = await export_state(_settings(args, clusters=False).store_url, args.file, replace=args.force)
    Console().print(moved.told("Wrote", args.file), markup=False, highlight=False, soft_wrap=True)
    return 1 if moved.broken else 0


async def _import(args: argparse.Namespace) -> int:
    moved = await import_state(_settings(args, clusters=False).store_url, args.file)
    Console().print(moved.told("Imported", args.file), markup=False, highlight=False, soft_wrap=True)
    return 1 if moved.broken else 0


async def _audit_verify(args: argparse.Namespace) -> int:
    noted = parse_head(args.head) if args.head else None
    faults: tuple[str, ...] = ()
    if args.file:
        (head, broken), what = verify_file(args.file, noted), f"The audit log in {args.file}"
    else:
        url = _settings(args, clusters=False).store_url
        (head, broken), what = await verify_store(url, noted), "The audit log"
        faults = await guards_of(url)
    words = [told(head, broken, what), *([unguarded(faults)] if faults else [])]
    Console().print("\n".join(words), markup=False, highlight=False, soft_wrap=True)
    return 1 if broken or faults else 0


async def _audit_export(args: argparse.Namespace) -> int:
    head = await export_store(_settings(args, clusters=False).store_url, args.format, args.out, replace=args.force)
    words = f"Wrote {head.seq:,} rows to {args.out}. The log ends with {head}"
    Console().print(words, markup=False, highlight=False, soft_wrap=True)
    return 0

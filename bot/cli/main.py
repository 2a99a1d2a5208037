"""The `cmbot` command line: run, demo, check, status, replicas, migrate, export, import, audit."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console

from bot import config
from bot.audit.chain import parse_head
from bot.cli import replicas
from bot.cli.audit import FORMATS, export_store, guards_of, unguarded_text, verdict_text, verify_file, verify_store
from bot.cli.check import check_all, check_clusters, refuse_faulty_tokens, table
from bot.cli.transfer import export_state, import_state
from bot.common.errors import CmbotError
from bot.common.version import version_text
from bot.config import Settings
from bot.runtime.app import build
from bot.runtime.garbage import spare_startup
from bot.runtime.lifecycle import running
from bot.runtime.signals import Signals
from bot.store.database import Store
from bot.telemetry.logs import set_up
from bot.views.errors import error_text

WAIT_FOR_DATABASE = 60.0
"""Seconds that a start waits for a database server that is down before it fails."""

_FORCE = "replace the file if it exists"

NO_PLAYGROUND = (
    "The demo is not part of an installed cmbot. Get a checkout of its repository and run `make demo` in it."
)

Job = Callable[[argparse.Namespace], Coroutine[None, None, int]]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return 0 for success, 1 for a failure, 2 for a wrong call."""
    args = _parser().parse_args(argv)
    job: Job = args.job
    try:
        return asyncio.run(job(args))
    except CmbotError as error:
        Console(stderr=True).print(f"cmbot: {error_text(error)}", style="red", markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cmbot", description="ChatOps for CubeFS BlobStore's Clustermgr, in Slack.")
    parser.add_argument("--version", action="version", version=version_text())
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    with_config = argparse.ArgumentParser(add_help=False)
    with_config.add_argument("--config", type=Path, help="the settings (default: $CMBOT_CONFIG, else config.yaml)")
    _add(commands.add_parser("run", parents=[with_config], help="run the bot"), _run)
    trial = commands.add_parser("demo", help="try cmbot: simulated clusters and a local workspace in the browser")
    trial.add_argument("--port", type=int, help="the port of the page (default: 8484, else any free one)")
    trial.add_argument("--verbose", action="store_true", help="show the log of the bot")
    _add(trial, _demo)
    help_check = "check the settings, and every token, scope, channel and host that they name"
    _add(commands.add_parser("check", parents=[with_config], help=help_check), _check)
    _add(commands.add_parser("status", parents=[with_config], help="poll every cluster and show its state"), _status)
    help_replicas = "show the active replicas, and what each of them watches and runs"
    _add(commands.add_parser("replicas", parents=[with_config], help=help_replicas), _replicas)
    _add(commands.add_parser("migrate", parents=[with_config], help="bring the database up to date"), _migrate)
    _moving(commands, with_config)
    audit = commands.add_parser("audit", help="verify the audit log, or export it")
    _audit(audit.add_subparsers(required=True, metavar="WHAT"), with_config)
    return parser


def _audit(whats: Any, with_config: argparse.ArgumentParser) -> None:
    proof = whats.add_parser("verify", parents=[with_config], help="find the first row that was changed or removed")
    proof.add_argument("--file", type=Path, help="verify this export in JSON lines instead of the database")
    proof.add_argument(
        "--head", metavar="ROW:HASH", help="the end that an earlier verification printed; it must still be in the log"
    )
    _add(proof, _audit_verify)
    export = whats.add_parser("export", parents=[with_config], help="write all rows to a file")
    export.add_argument(
        "--format", choices=FORMATS, required=True, help="jsonl can be verified later, csv is for people"
    )
    export.add_argument("--out", type=Path, required=True, help="the file to write")
    export.add_argument("--force", action="store_true", help=_FORCE)
    _add(export, _audit_export)


def _moving(commands: Any, with_config: argparse.ArgumentParser) -> None:
    export = commands.add_parser("export", parents=[with_config], help="write the whole database to a file")
    export.add_argument("file", type=Path, metavar="FILE", help="JSON lines")
    export.add_argument("--force", action="store_true", help=_FORCE)
    _add(export, _export)
    fill = commands.add_parser("import", parents=[with_config], help="fill an empty database with an export")
    fill.add_argument("file", type=Path, metavar="FILE", help="the file that `cmbot export` wrote")
    _add(fill, _import)


def _add(parser: argparse.ArgumentParser, job: Job) -> None:
    parser.set_defaults(job=job)


def _settings(args: argparse.Namespace, *, clusters: bool = True) -> Settings:
    """Load the settings and start logging; without `clusters` their tokens are not required."""
    settings = config.load(args.config, tokens=clusters)
    set_up(settings.log_level, settings.all_secrets, as_json=not sys.stderr.isatty())
    return settings


async def _run(args: argparse.Namespace) -> int:
    settings = _settings(args)
    refuse_faulty_tokens(settings)
    with Signals(hangup_ends=False) as signals:
        async with signals.starting(), build(settings, wait_for_server=WAIT_FOR_DATABASE) as app, running(app):
            spare_startup()
            await signals.ended()
    return 0


async def _demo(args: argparse.Namespace) -> int:
    if find_spec("bot.playground") is None:
        Console(stderr=True).print(f"cmbot: {NO_PLAYGROUND}", style="red", markup=False, highlight=False)
        return 2
    set_up("info" if args.verbose else "error", (), as_json=False)
    from bot.cli.demo import PAGE_PORT, demo  # noqa: PLC0415 - only a checkout has the simulations

    with Signals(hangup_ends=True) as signals:
        return await _show(signals, demo(port=PAGE_PORT if args.port is None else args.port, schedulers=1))


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
    rows = await check_all(_settings(args))
    Console().print(table(rows))
    return 0 if all(row.well for row in rows) else 1


async def _status(args: argparse.Namespace) -> int:
    rows = await check_clusters(_settings(args))
    Console().print(table(rows))
    return 0 if all(row.well for row in rows) else 1


async def _replicas(args: argparse.Namespace) -> int:
    seen, running_now = await replicas.read_replicas(_settings(args, clusters=False).store_url)
    Console().print(replicas.table(seen, running_now))
    for name in (unwatched := replicas.unheld(seen)):
        Console().print(f"No replica watches {name} now.", markup=False, highlight=False)
    return 0 if seen.active and not unwatched else 1


async def _migrate(args: argparse.Namespace) -> int:
    settings = _settings(args, clusters=False)
    async with Store.open(settings.store_url) as store:
        await store.migrate()
        Console().print(f"{store.where} is up to date.", markup=False, highlight=False)
    return 0


async def _export(args: argparse.Namespace) -> int:
    moved = await export_state(_settings(args, clusters=False).store_url, args.file, replace=args.force)
    Console().print(moved.text("Wrote", args.file), markup=False, highlight=False, soft_wrap=True)
    return 1 if moved.broken else 0


async def _import(args: argparse.Namespace) -> int:
    moved = await import_state(_settings(args, clusters=False).store_url, args.file)
    Console().print(moved.text("Imported", args.file), markup=False, highlight=False, soft_wrap=True)
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
    words = [verdict_text(head, broken, what), *([unguarded_text(faults)] if faults else [])]
    Console().print("\n".join(words), markup=False, highlight=False, soft_wrap=True)
    return 1 if broken or faults else 0


async def _audit_export(args: argparse.Namespace) -> int:
    head = await export_store(_settings(args, clusters=False).store_url, args.format, args.out, replace=args.force)
    words = f"Wrote {head.seq:,} rows to {args.out}. The log ends with {head}"
    Console().print(words, markup=False, highlight=False, soft_wrap=True)
    return 0

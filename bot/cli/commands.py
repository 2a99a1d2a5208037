"""The work of each `cmbot` command but `run`."""

import argparse
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console

from bot import config
from bot.audit.chain import parse_head
from bot.cli import replicas
from bot.cli.agents.start import serve_agents
from bot.cli.audit import export_store, guards_of, unguarded_text, verdict_text, verify_file, verify_store
from bot.cli.check import check_all, check_clusters
from bot.cli.check_blocks import check_blocks
from bot.cli.check_row import table
from bot.cli.config import show_changes, show_schema
from bot.cli.enrol import enrol
from bot.cli.init import write_settings
from bot.cli.job import Job, settings_of
from bot.cli.options import INIT_OPTIONS, READS
from bot.cli.terminal.exit_status import Exit
from bot.cli.terminal.show import fail, look, write
from bot.cli.transfer import export_state, import_state
from bot.common.errors import ConfigError, UserError
from bot.permissions.one_time_codes import new_key
from bot.runtime.signals import Signals
from bot.store.database import Store
from bot.telemetry.logs import set_up
from bot.views.errors import error_text

NO_PLAYGROUND = (
    "The demo is not part of an installed cmbot. Get a checkout of its repository and run `make demo` in it."
)


async def _demo(args: argparse.Namespace) -> int:
    if find_spec("bot.playground") is None:
        Console(stderr=True).print(f"cmbot: {NO_PLAYGROUND}", style="red", markup=False, highlight=False)
        return 2
    set_up("info" if args.verbose else "error", (), as_json=False)
    from bot.cli.demo import PAGE_PORT, demo  # noqa: PLC0415 - only a checkout has the simulations

    port = PAGE_PORT if args.port is None else args.port
    with Signals(hangup_ends=True) as signals:
        return await _show(signals, demo(port=port, schedulers=1, fast_alerts=True), port)


async def _show(signals: Signals, world: AbstractAsyncContextManager[Any], port: int) -> int:
    async with signals.starting(), world as parts:
        out = Console()
        out.print("\ncmbot's demo is running. Open this page:\n")
        out.print(f"    {parts.slack.page_url}\n", style="bold cyan")
        if port and urlsplit(parts.slack.page_url).port != port:
            out.print(
                f"Port {port} could not be used; another demo may have it. The page names the ports of the nodes.\n"
            )
        out.print("Type /cm stat there, break a disk, kill the leader. Ctrl-C ends it; nothing is kept.\n")
        sys.stdout.flush()
        await signals.ended()
    return 0


async def _check(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    rows = await check_blocks(settings) if args.blocks else await check_all(settings, send_test=args.send_test)
    write(table(rows), sys.stdout)
    return 0 if all(row.well for row in rows) else 1


async def _status(args: argparse.Namespace) -> int:
    rows = await check_clusters(settings_of(args))
    write(table(rows), sys.stdout)
    return 0 if all(row.well for row in rows) else 1


async def _look(args: argparse.Namespace) -> int:
    try:
        settings = config.load(args.config)
    except ConfigError as error:
        fail(str(error))
        return Exit.USAGE
    # Failures are in the answer; a log would stand between its lines.
    set_up("critical", settings.all_secrets, as_json=False)
    return await look(args, settings)


async def _mcp(args: argparse.Namespace) -> int:
    return await serve_agents(settings_of(args), http=args.http)


async def _init(args: argparse.Namespace) -> int:
    path = args.config or config.Secrets().cmbot_config
    try:
        write_settings(path, {name: getattr(args, name.replace("-", "_")) for name in INIT_OPTIONS}, force=args.force)
    except UserError as error:
        fail(error_text(error))
        return 2
    return 0


async def _replicas(args: argparse.Namespace) -> int:
    seen, running_now = await replicas.read_replicas(settings_of(args, clusters=False).store_url)
    Console().print(replicas.table(seen, running_now))
    for name in (unwatched := replicas.unheld(seen)):
        Console().print(f"No replica watches {name} now.", markup=False, highlight=False)
    return 0 if seen.active and not unwatched else 1


async def _migrate(args: argparse.Namespace) -> int:
    settings = settings_of(args, clusters=False)
    async with Store.open(settings.store_url) as store:
        await store.migrate()
        Console().print(f"{store.where} is up to date.", markup=False, highlight=False)
    return 0


async def _enrol(args: argparse.Namespace) -> int:
    if args.new_key:
        sys.stdout.write(f"{new_key()}\n")
        return 0
    text = await enrol(settings_of(args, clusters=False), args.user, remove=args.remove, again=args.force)
    sys.stdout.write(f"{text}\n")
    return 0


async def _export(args: argparse.Namespace) -> int:
    moved = await export_state(settings_of(args, clusters=False).store_url, args.file, replace=args.force)
    Console().print(moved.text("Wrote", args.file), markup=False, highlight=False, soft_wrap=True)
    return 1 if moved.broken else 0


async def _import(args: argparse.Namespace) -> int:
    moved = await import_state(settings_of(args, clusters=False).store_url, args.file)
    Console().print(moved.text("Imported", args.file), markup=False, highlight=False, soft_wrap=True)
    return 1 if moved.broken else 0


async def _audit_verify(args: argparse.Namespace) -> int:
    noted = parse_head(args.head) if args.head else None
    faults: tuple[str, ...] = ()
    if args.file:
        (head, broken), what = verify_file(args.file, noted), f"The audit log in {args.file}"
    else:
        url = settings_of(args, clusters=False).store_url
        (head, broken), what = await verify_store(url, noted), "The audit log"
        faults = await guards_of(url)
    words = [verdict_text(head, broken, what), *([unguarded_text(faults)] if faults else [])]
    Console().print("\n".join(words), markup=False, highlight=False, soft_wrap=True)
    return 1 if broken or faults else 0


async def _audit_export(args: argparse.Namespace) -> int:
    head = await export_store(settings_of(args, clusters=False).store_url, args.format, args.out, replace=args.force)
    words = f"Wrote {head.seq:,} rows to {args.out}. The log ends with {head}"
    Console().print(words, markup=False, highlight=False, soft_wrap=True)
    return 0


COMMANDS: Mapping[str, Job] = MappingProxyType(
    {
        "demo": _demo,
        "check": _check,
        "status": _status,
        "replicas": _replicas,
        "migrate": _migrate,
        "enrol": _enrol,
        "mcp": _mcp,
        "export": _export,
        "import": _import,
        "audit verify": _audit_verify,
        "audit export": _audit_export,
        "init": _init,
        "config schema": show_schema,
        "config diff": show_changes,
        **dict.fromkeys(READS, _look),
    }
)
"""The commands by the words that call them; `run` is in running.py."""

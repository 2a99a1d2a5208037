"""`cmbot config`: the JSON Schema of the settings, and what differs between two files, or from what runs."""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Sequence

from bot import config
from bot.cli.terminal.exit_status import Exit
from bot.cli.terminal.show import fail
from bot.common.errors import ConfigError, StoreError
from bot.common.text import count, listed
from bot.config import Settings
from bot.config.changes import Change, changes, view_changes, view_of
from bot.config.schema import schema_text
from bot.runtime.validation import refuse_wrong
from bot.store.database import Store
from bot.views.text import clean

DIFFERENT = 1
"""Exit status if the settings differ, as that of diff(1)."""


async def show_schema(_: argparse.Namespace) -> int:
    """Print the JSON Schema."""
    sys.stdout.write(schema_text())
    return 0


async def show_changes(args: argparse.Namespace) -> int:
    """Print a line for each difference of two settings; return 0 if there is none, 1 if there is any."""
    own = config.Secrets().cmbot_config if args.config is None else args.config
    files = [*args.files]
    if args.running and len(files) > 1:
        fail("name the new settings alone, or none: they are compared with what runs")
        return Exit.USAGE
    if not args.running and not files:
        fail("name the new settings, or the old and the new ones; --running compares with what runs")
        return Exit.USAGE
    if len(files) < 2:  # noqa: PLR2004 - an old and a new one
        files = [own, *(files or [own])]
    if len(files) != 2:  # noqa: PLR2004 - as above
        fail("name the new settings, or the old and the new ones")
        return Exit.USAGE
    try:
        old, new = (config.load(file, tokens=False) for file in files)
        with config.in_file(str(files[1])):
            refuse_wrong(new)
        if args.running:
            return await _compare_running(old.store_url, new)
    except (ConfigError, StoreError) as error:
        fail(str(error))
        return Exit.USAGE
    return _print(changes(old, new))


async def _compare_running(url: str, new: Settings) -> int:
    """Print what a reload would change now on each replica that runs."""
    async with Store.existing(url) as store, store.read() as uow:
        active = {each.name for each in (await uow.replicas.assignments()).active}
        views = {name: json.loads(text) for name, text in (await uow.facts.settings()).items() if name in active}
    if not active:
        fail("no process runs on this database")
        return Exit.USAGE
    after = view_of(new)
    # Replicas of one rollout have the same settings: what is the same for several is printed once.
    alike: dict[tuple[Change, ...] | None, list[str]] = defaultdict(list)
    for name in sorted(active):
        alike[view_changes(views[name], after) if name in views else None].append(name)
    status = 0
    for found, names in alike.items():
        sys.stdout.write(f"{listed(names)}:\n")
        if found is None:
            sys.stdout.write("It has not said its settings: it has just started, or is of an earlier release.\n")
        status = max(status, DIFFERENT if found is None else _print(found))
    return status


def _print(found: Sequence[Change]) -> int:
    for change in found:
        sys.stdout.write(f"{clean(str(change))}\n")
    sys.stdout.write(f"{count(len(found), 'change') if found else 'No change'}.\n")
    return DIFFERENT if found else 0

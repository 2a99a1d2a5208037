"""`cmbot config`: the JSON Schema of the settings, and what differs between two files of settings."""

import argparse
import sys

from bot import config
from bot.cli.terminal.exit_status import Exit
from bot.cli.terminal.show import fail
from bot.common.errors import ConfigError
from bot.common.text import count
from bot.config.changes import changes
from bot.config.schema import schema_text
from bot.runtime.validation import refuse_wrong
from bot.views.text import clean

DIFFERENT = 1
"""Exit status if the settings differ, as that of diff(1)."""


async def show_schema(_: argparse.Namespace) -> int:
    """Print the JSON Schema."""
    sys.stdout.write(schema_text())
    return 0


async def show_changes(args: argparse.Namespace) -> int:
    """Print a line for each difference of two settings; return 0 if there is none, 1 if there is any."""
    files = [*args.files]
    if len(files) == 1:
        files.insert(0, config.Secrets().cmbot_config if args.config is None else args.config)
    if len(files) != 2:  # noqa: PLR2004 - an old and a new one
        fail("name the new settings, or the old and the new ones")
        return Exit.USAGE
    try:
        old, new = (config.load(file, tokens=False) for file in files)
        with config.in_file(str(files[1])):
            refuse_wrong(new)
    except ConfigError as error:
        fail(str(error))
        return Exit.USAGE
    found = changes(old, new)
    for change in found:
        sys.stdout.write(f"{clean(str(change))}\n")
    sys.stdout.write(f"{count(len(found), 'change') if found else 'No change'}.\n")
    return DIFFERENT if found else 0

"""The `cmbot` command line: run, demo, check, status, replicas, migrate, export, import, audit.

Nothing of the program is imported before the arguments are parsed: `--help` and a mistyped command answer at once.
"""

import argparse
import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FORMATS = ("csv", "jsonl")
"""Formats of an export of the audit log."""
_FORCE = "replace the file if it exists"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return 0 for success, 1 for a failure, 2 for a wrong call."""
    args = _parser().parse_args(argv)
    # What is loaded now stays: to look for garbage meanwhile takes a fifth of the time.
    gc.disable()
    from bot.cli import commands  # noqa: PLC0415 - see above

    gc.enable()
    return commands.run(args.command, args)


class _Version(argparse.Action):
    """Print the version; it is read from the installed package only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print and exit."""
        from bot.common.version import version_text  # noqa: PLC0415 - see above

        sys.stdout.write(f"{version_text()}\n")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cmbot", description="ChatOps for CubeFS BlobStore's Clustermgr, in Slack.")
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version of cmbot and of Python")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    with_config = argparse.ArgumentParser(add_help=False)
    with_config.add_argument("--config", type=Path, help="the settings (default: $CMBOT_CONFIG, else config.yaml)")
    _add(commands.add_parser("run", parents=[with_config], help="run the bot"), "run")
    trial = commands.add_parser("demo", help="try cmbot: simulated clusters and a local workspace in the browser")
    trial.add_argument("--port", type=int, help="the port of the page (default: 8484, else any free one)")
    trial.add_argument("--verbose", action="store_true", help="show the log of the bot")
    _add(trial, "demo")
    help_check = "check the settings, and every token, scope, channel and host that they name"
    _add(commands.add_parser("check", parents=[with_config], help=help_check), "check")
    _add(commands.add_parser("status", parents=[with_config], help="poll every cluster and show its state"), "status")
    help_replicas = "show the active replicas, and what each of them watches and runs"
    _add(commands.add_parser("replicas", parents=[with_config], help=help_replicas), "replicas")
    _add(commands.add_parser("migrate", parents=[with_config], help="bring the database up to date"), "migrate")
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
    _add(proof, "audit verify")
    export = whats.add_parser("export", parents=[with_config], help="write all rows to a file")
    export.add_argument(
        "--format", choices=FORMATS, required=True, help="jsonl can be verified later, csv is for people"
    )
    export.add_argument("--out", type=Path, required=True, help="the file to write")
    export.add_argument("--force", action="store_true", help=_FORCE)
    _add(export, "audit export")


def _moving(commands: Any, with_config: argparse.ArgumentParser) -> None:
    export = commands.add_parser("export", parents=[with_config], help="write the whole database to a file")
    export.add_argument("file", type=Path, metavar="FILE", help="JSON lines")
    export.add_argument("--force", action="store_true", help=_FORCE)
    _add(export, "export")
    fill = commands.add_parser("import", parents=[with_config], help="fill an empty database with an export")
    fill.add_argument("file", type=Path, metavar="FILE", help="the file that `cmbot export` wrote")
    _add(fill, "import")


def _add(parser: argparse.ArgumentParser, command: str) -> None:
    parser.set_defaults(command=command)

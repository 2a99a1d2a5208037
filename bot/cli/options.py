"""The command line of `cmbot`: every command with its arguments and its help. Imports nothing of the program."""

import argparse
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

FORMATS = ("csv", "jsonl")
"""Formats of an export of the audit log."""
SHELLS = ("bash", "zsh", "fish")
WATCH_SECONDS = 5.0
"""Seconds between two answers of `--watch`."""
_SHORTEST, _LONGEST = 1.0, 3600.0
_FORCE = "replace the file if it exists"

ENVIRONMENT: Mapping[str, str] = {
    "CMBOT_CONFIG": "the settings file, if --config does not name one",
    "CMBOT_STORE_URL": "the database, in place of store.url in the settings",
    "SLACK_BOT_TOKEN": "the bot token of the Slack app (xoxb-…)",
    "SLACK_APP_TOKEN": "its app token (xapp-…), for Socket Mode",
    "SLACK_SIGNING_SECRET": "its signing secret, for events over HTTP",
    "SLACK_PROXY": "the HTTP proxy to Slack, if it has a password",
    "HTTPS_PROXY": "the same for all programs; NO_PROXY lists exceptions",
    "CMBOT_CODE_KEY": "the key that encrypts the codes of break-glass in the database",
    "CMBOT_HEARTBEAT_URL": "an address to call while all is well",
    "CMBOT_MCP_TOKEN": "the token that agents over HTTP must send",
    "CMBOT_HTTP_HOST": "the address to listen on, if the settings have no http.host",
    "NO_COLOR": "any value: no colours",
}
_SETTINGS = ("CMBOT_CONFIG", "CMBOT_STORE_URL")
_TOKENS = "the variables that token_env of a cluster names"
_FILES = "NAME_FILE in place of a secret variable NAME: the file that has it"
_SLACK = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_PROXY", "HTTPS_PROXY")

_USUAL = {
    0: "success",
    1: "a failure: one sentence on standard error, or the lines marked failed",
    2: "a wrong command line",
    130: "Ctrl-C",
}
_VERDICT = {
    0: "healthy, or nothing is open",
    1: "degraded: something needs attention",
    2: "a wrong command line or wrong settings; no such cluster or disk",
    3: "critical: no leader, no quorum, data at risk, a critical alert, an unknown outcome",
    4: "unknown: a cluster is unreachable, or it or the database could not be read",
    130: "Ctrl-C (with --watch: the status of the last answer)",
}


class Option(NamedTuple):
    """An option of a reading command: its help, and the values that it takes (none: any)."""

    help: str
    choices: tuple[str, ...] = ()


class Read(NamedTuple):
    """A reading command: its help, what words it takes, and its options, which are the arguments of `/cm`."""

    help: str
    words: str
    options: Mapping[str, Option]


_STATES = ("normal", "readonly", "broken", "repairing", "repaired", "dropping", "dropped", "expired", "unknown")
READS: Mapping[str, Read] = {
    "stat": Read(
        "the state of each cluster, or of one: verdict, leader, peers, space, disks, volumes", "[CLUSTER]", {}
    ),
    "members": Read("the raft group: each voter and learner, and whether it is healthy", "[CLUSTER]", {}),
    "disks": Read(
        "the disks of each cluster, or of one; what is not normal first",
        "[CLUSTER]",
        {
            "status": Option("only disks in this state", _STATES),
            "idc": Option("only disks of this zone"),
            "host": Option("only disks of this blobnode"),
            "sort": Option("the order; without it by state", ("used", "free", "id", "host")),
            "limit": Option("how many to show (20)"),
        },
    ),
    "disk": Read("all facts of one disk, and if it may be pulled", "ID [CLUSTER]", {}),
    "tasks": Read("each background task: on or off, and what happens", "[CLUSTER]", {}),
    "risk": Read("the volumes that have lost units, and how many more each can lose", "[CLUSTER]", {}),
    "ops": Read(
        "the open operations, and the messages that Slack refused",
        "[CLUSTER]",
        {"state": Option("the open ones, or the last ones in any state", ("open", "recent"))},
    ),
    "alerts": Read("the open alerts of all clusters, or of one", "[CLUSTER]", {}),
    "clusters": Read("all clusters with their verdict at the last poll", "", {}),
}
"""The commands of `/cm` that the terminal has too."""


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; exit with 2 for a wrong one."""
    given = sys.argv[1:] if argv is None else argv
    # The seconds are written with =, so that a cluster or a disk may follow.
    words = [f"--watch={WATCH_SECONDS:g}" if word == "--watch" else word for word in given]
    known = parser()
    args, left = known.parse_known_args(words)
    # argparse takes the words of a command only where they stand together.
    if args.command not in READS or not READS[args.command].words or any(word.startswith("-") for word in left):
        return known.parse_args(words)
    args.words += left
    return args


class _Version(argparse.Action):
    """Print the version; it is read from the installed package only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print and exit."""
        from bot.common.version import version_text  # noqa: PLC0415 - nothing is imported before it is needed

        sys.stdout.write(f"{version_text()}\n")
        parser.exit()


def _seconds(text: str) -> float:
    try:
        seconds = float(text.removesuffix("s"))
    except ValueError:
        seconds = 0.0
    if not _SHORTEST <= seconds <= _LONGEST:
        raise argparse.ArgumentTypeError(f"write seconds from {_SHORTEST:g} to {_LONGEST:g}, as in --watch=10")
    return seconds


def _epilog(variables: Sequence[str], statuses: Mapping[int, str], also: Sequence[str] = ()) -> str:
    lines = ["environment variables:"] if variables else []
    lines += [f"  {name:<22}{ENVIRONMENT[name]}" for name in variables]
    lines += [f"  {each}" for each in also]
    lines += ["", "exit status:"] if variables else ["exit status:"]
    lines += [f"  {status:<5}{meaning}" for status, meaning in statuses.items()]
    return "\n".join(lines)


_WAYS = (
    "`cmbot help COMMAND` explains one. `cmbot init` writes the settings, `cmbot completion SHELL` completes what you "
    "type. The exit status of a command that reads tells its verdict: see its help."
)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 78)


class _Commands:
    """Adds commands to a parser, each with a description, its variables and its exit statuses."""

    def __init__(self, into: Any, parents: Sequence[argparse.ArgumentParser] = ()) -> None:
        self._into = into
        self._parents = parents

    def add(
        self,
        name: str,
        summary: str,
        *,
        command: str = "",
        variables: Sequence[str] = _SETTINGS,
        statuses: Mapping[int, str] = _USUAL,
        more: str = "",
        **options: Any,
    ) -> argparse.ArgumentParser:
        """Add one; `more` is said after the summary."""
        known = bool(set(_SETTINGS) & set(variables))
        also = (_TOKENS, _FILES) if known and variables != _SETTINGS[:1] else ()
        made: argparse.ArgumentParser = self._into.add_parser(
            name,
            help=summary,
            description=_wrapped(f"{summary[0].upper()}{summary[1:]}.{f' {more}' if more else ''}"),
            epilog=_epilog(variables, statuses, also),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            parents=list(self._parents) if known else [],
            **options,
        )
        made.set_defaults(command=command or name)
        return made


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="cmbot",
        description="ChatOps for CubeFS BlobStore's Clustermgr, in Slack and in the terminal.",
        epilog=f"{_wrapped(_WAYS)}\n\n{_epilog(tuple(ENVIRONMENT), _USUAL)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action=_Version, nargs=0, help="show the version of cmbot and of Python")
    found = top.add_subparsers(required=True, metavar="COMMAND")
    with_config = argparse.ArgumentParser(add_help=False)
    with_config.add_argument("--config", type=Path, help="the settings (default: $CMBOT_CONFIG, else config.yaml)")
    commands = _Commands(found, (with_config,))
    _reads(commands)
    _running(commands)
    _moving(commands)
    audit = found.add_parser("audit", help="verify the audit log, or export it", description="The audit log.")
    _audit(_Commands(audit.add_subparsers(required=True, metavar="WHAT"), (with_config,)))
    _first_steps(commands)
    configs = found.add_parser(
        "config", help="the settings' JSON Schema; compare settings", description="The settings."
    )
    _config(_Commands(configs.add_subparsers(required=True, metavar="WHAT"), (with_config,)))
    return top


def _reads(commands: _Commands) -> None:
    for name, read in READS.items():
        made = commands.add(
            name,
            read.help,
            variables=(*_SETTINGS, "NO_COLOR"),
            statuses=_VERDICT,
            more=f"The same as /cm {name} in Slack; no token of Slack is needed.",
        )
        if read.words:
            made.add_argument("words", nargs="*", metavar=read.words, help="also key=value, as in Slack")
        for option, (words, choices) in read.options.items():
            made.add_argument(f"--{option}", help=words, choices=choices or None)
        made.add_argument("--json", action="store_true", help="JSON with stable keys (docs/terminal.md)")
        made.add_argument(
            "--watch", type=_seconds, metavar="SECONDS", help="answer again and again; --watch alone is every 5 s"
        )
        made.set_defaults(options=tuple(read.options), **({} if read.words else {"words": []}))


def _running(commands: _Commands) -> None:
    slack = (*_SETTINGS, *_SLACK)
    commands.add("run", "run the bot", variables=(*slack, "CMBOT_CODE_KEY", "CMBOT_HEARTBEAT_URL"))
    trial = commands.add("demo", "try cmbot: simulated clusters and a local workspace in the browser", variables=())
    trial.add_argument("--port", type=int, help="the port of the page (default: 8484, else any free one)")
    trial.add_argument("--verbose", action="store_true", help="show the log of the bot")
    checked = commands.add(
        "check",
        "check the settings, and every token, scope, channel and host that they name",
        variables=(*slack, "CMBOT_CODE_KEY", "NO_COLOR"),
        more="Problems come first, one line each.",
    )
    checked.add_argument("--blocks", action="store_true", help="let Slack check the form of every message instead")
    checked.add_argument("--send-test", action="store_true", help="send a test message to each receiver of `outputs`")
    commands.add("status", "poll every cluster twice and check that it is healthy", more="`cmbot stat` shows more.")
    commands.add("replicas", "show the active replicas, and what each of them watches and runs")
    commands.add("migrate", "bring the database up to date")
    enrol = commands.add(
        "enrol",
        "give a person a code for break-glass, or take it away",
        variables=(*_SETTINGS, "CMBOT_CODE_KEY"),
        more="Shows a QR code once: let its person scan it here with an authenticator app. It never passes through "
        "Slack. Without an argument the people with a code are listed.",
    )
    enrol.add_argument("user", nargs="?", metavar="USER", help="the id of the person in Slack, as in U0123ABCD")
    enrol.add_argument("--force", action="store_true", help="replace the code that the person has")
    enrol.add_argument("--remove", action="store_true", help="take the code of the person away")
    enrol.add_argument("--new-key", action="store_true", help="print a new key for CMBOT_CODE_KEY, and do nothing else")
    agents = commands.add(
        "mcp",
        "let an agent read through the Model Context Protocol, on standard input and output",
        variables=(*_SETTINGS, "CMBOT_MCP_TOKEN"),
        more="It can change nothing; with mcp.propose it proposes changes, which people approve in Slack. No token of "
        "Slack is needed (docs/agents.md).",
    )
    agents.add_argument("--http", action="store_true", help="listen on mcp.host and mcp.port of the settings instead")


def _first_steps(commands: _Commands) -> None:
    first = commands.add(
        "init",
        "ask six questions and write the settings",
        variables=("CMBOT_CONFIG",),
        more="An answer that is given as an option is not asked for; without a terminal the answers are read from "
        "standard input, one a line.",
    )
    for option, words in INIT_OPTIONS.items():
        first.add_argument(f"--{option}", help=words)
    first.add_argument("--force", action="store_true", help=_FORCE)
    shell = commands.add("completion", "print the completion of a shell", variables=(), more=_COMPLETION)
    shell.add_argument("shell", choices=SHELLS, help="the shell")
    helped = commands.add("help", "explain all commands, or one", variables=())
    helped.add_argument("topic", nargs="*", metavar="COMMAND", help="the command, as in `cmbot help stat`")


_COMPLETION = "bash: source <(cmbot completion bash); zsh: the same; fish: cmbot completion fish | source."
INIT_OPTIONS: Mapping[str, str] = {
    "name": "the name of the cluster",
    "hosts": "the service addresses of its nodes, with commas between",
    "alert-channel": "the id of the channel for its alerts",
    "operations-channel": "the id of the channel for proposed changes",
    "operators": "the ids of the people and user groups who may change the cluster, with commas between",
    "store": "the URL of the database",
}
"""The six answers of `cmbot init`, in the order of its questions."""


def _audit(commands: _Commands) -> None:
    proof = commands.add("verify", "find the first row that was changed or removed", command="audit verify")
    proof.add_argument("--file", type=Path, help="verify this export in JSON lines instead of the database")
    proof.add_argument(
        "--head", metavar="ROW:HASH", help="the end that an earlier verification printed; it must still be in the log"
    )
    export = commands.add("export", "write all rows to a file", command="audit export")
    export.add_argument(
        "--format", choices=FORMATS, required=True, help="jsonl can be verified later, csv is for people"
    )
    export.add_argument("--out", type=Path, required=True, help="the file to write")
    export.add_argument("--force", action="store_true", help=_FORCE)


_DIFFERENCE = {
    0: "no difference",
    1: "there are differences, one a line",
    2: "a wrong command line, or wrong settings",
}


def _config(commands: _Commands) -> None:
    commands.add(
        "schema",
        "print the JSON Schema of the settings file, for editors",
        command="config schema",
        variables=(),
        more="Editors with a YAML language server read it from the first line of the settings.",
    )
    compared = commands.add(
        "diff",
        "show what differs between two files of settings, or from what runs, key by key",
        command="config diff",
        variables=("CMBOT_CONFIG", "CMBOT_STORE_URL"),
        statuses=_DIFFERENCE,
        more="The new ones are validated as at a start. No secret is shown.",
    )
    compared.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="OLD and NEW; with one file OLD is the file of --config"
    )
    compared.add_argument(
        "--running",
        action="store_true",
        help="compare FILE (else the file of --config) with what each replica runs: what a reload would change",
    )


def _moving(commands: _Commands) -> None:
    export = commands.add("export", "write the whole database to a file")
    export.add_argument("file", type=Path, metavar="FILE", help="JSON lines")
    export.add_argument("--force", action="store_true", help=_FORCE)
    fill = commands.add("import", "fill an empty database with an export")
    fill.add_argument("file", type=Path, metavar="FILE", help="the file that `cmbot export` wrote")

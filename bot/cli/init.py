"""`cmbot init`: ask six questions, check each answer, and write commented settings."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from pydantic import TypeAdapter, ValidationError

from bot.cli.files import writable
from bot.common.errors import UserError
from bot.common.frozen import frozen
from bot.common.text import shown
from bot.config import Secrets, parse
from bot.config.types import ChannelId, GroupId, Host, Name, UserId, meaning
from bot.config.yaml_text import read_yaml
from bot.runtime.settings_mapping import is_command_word
from bot.views.text import clean

Ask = Callable[[str], str]
"""Shows a question and returns the answer; raises EOFError at the end of the input."""

_STORE = "sqlite:///cmbot.db"
_MOST_HOSTS = 15


@frozen
class Question:
    """A question: its option, its words, the value of an empty answer (None: it must be answered), and its check.

    The check returns the value to write; it raises ValueError with what to do instead.
    """

    option: str
    words: str
    default: str | None
    check: Callable[[str], Any]


def _typed(kind: Any, answer: str) -> str:
    try:
        found: str = TypeAdapter(kind).validate_python(answer)
    except ValidationError as error:
        [first, *_] = error.errors()
        raise ValueError(str(first["msg"]).removeprefix("Value error, ")) from error
    return found


def _listed(answer: str) -> list[str]:
    return [part for part in answer.replace(",", " ").split() if part]


def _hosts(answer: str) -> list[str]:
    hosts = [_typed(Host, each) for each in _listed(answer)]
    if not 1 <= len(hosts) <= _MOST_HOSTS:
        raise ValueError(f"name 1 to {_MOST_HOSTS} nodes, as in 10.0.0.1:9998, 10.0.0.2:9998")
    if len(set(map(meaning, hosts))) < len(hosts):
        raise ValueError("name each node once")
    return hosts


def _people(answer: str) -> list[str]:
    return [_typed(GroupId if each.startswith("S") else UserId, each) for each in _listed(answer)]


def _name(answer: str) -> str:
    name = _typed(Name, answer)
    if is_command_word(name):
        raise ValueError(f"/cm {name} is a command; choose another name")
    return name


def _channel(answer: str) -> str:
    return _typed(ChannelId, answer)


def _maybe_channel(answer: str) -> str:
    return _channel(answer) if answer else ""


def _store(answer: str) -> str:
    kind = answer.partition("://")[0]
    if kind not in {"sqlite", "postgresql"}:
        raise ValueError("write sqlite:///cmbot.db, or postgresql://host/database")
    if urlsplit(answer).password is not None:
        raise ValueError("write it without the password: set CMBOT_STORE_URL to the whole URL instead")
    return answer


QUESTIONS = (
    Question("name", "What is the cluster called? People type this name, as in prod", None, _name),
    Question("hosts", "The service address of each of its Clustermgr nodes, as in 10.0.0.1:9998, …", None, _hosts),
    Question("alert-channel", "The id of the Slack channel for its alerts, as in C0123ABCD", None, _channel),
    Question("operations-channel", "The id of the channel for proposed changes (empty: the same)", "", _maybe_channel),
    Question(
        "operators",
        "Who may change it? Ids of people (U…) and user groups (S…) (empty: no one)",
        "",
        _people,
    ),
    Question("store", f"The URL of the database (empty: {_STORE})", _STORE, _store),
)


def write_settings(path: Path, given: Mapping[str, str | None], *, force: bool = False) -> None:
    """Ask what is not given, and write the settings; raise UserError for a wrong answer, or an existing file."""
    if path.exists() and not force:
        raise UserError(f"{path} exists: name another file with --config, or add --force to replace it.")
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    answers = {each.option: _answer(each, given.get(each.option), terminal=terminal) for each in QUESTIONS}
    text = settings_text(answers)
    # What is written must be what the program reads.
    parse(text, secrets=Secrets(), tokens=False)
    with writable(path, replace=force) as out:
        out.write(text)
    # It holds no secrets, and the bot may run as another user.
    path.chmod(0o644)
    sys.stdout.write(
        f"\nWrote {clean(str(path))}. Next:\n"
        "  1. Read it, and add the other clusters.\n"
        f"  2. cmbot stat --config {clean(str(path))}     asks the cluster; it needs no Slack.\n"
        "  3. Set SLACK_BOT_TOKEN and SLACK_APP_TOKEN (docs/slack-app.md), then cmbot check and cmbot run.\n"
    )


def _answer(question: Question, given: str | None, *, terminal: bool) -> Any:
    """Return a checked answer: that of the option, or of standard input; people at a terminal may try again."""
    while True:
        answer = (_read(question, terminal=terminal) if given is None else given).strip()
        if not answer and question.default is not None:
            answer = question.default
        try:
            return question.check(answer)
        except ValueError as error:
            words = f"{shown(answer)}: {error}." if answer else f"it must be answered: {error}."
            if given is not None or not terminal:
                raise UserError(f"--{question.option}: {words}") from error
            sys.stdout.write(f"  {clean(words)}\n")


def _read(question: Question, *, terminal: bool) -> str:
    try:
        return input(f"{question.words}\n> ") if terminal else _line()
    except EOFError as error:
        raise UserError(f"--{question.option} is missing: give it, or the answer on standard input.") from error


def _line() -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line


def _scalar(value: str) -> str:
    """Write a text for YAML, in quotes where it would be read as anything else."""
    try:
        safe = read_yaml(value) == value and not set(value) & set(",[]{}#")
    except (yaml.YAMLError, RecursionError):
        safe = False
    return value if safe else json.dumps(value)


def _flow(values: list[str]) -> str:
    return f"[{', '.join(map(_scalar, values))}]"


def settings_text(answers: Mapping[str, Any]) -> str:
    """Return the settings of checked answers, with comments."""
    people = [each for each in answers["operators"] if not each.startswith("S")]
    groups = [each for each in answers["operators"] if each.startswith("S")]
    hosts = "".join(f"      - {_scalar(host)}\n" for host in answers["hosts"])
    operations, alerts = answers["operations-channel"], answers["alert-channel"]
    channels = list(dict.fromkeys(each for each in (alerts, operations) if each))
    card_channel = (
        f"    operations_channel: {_scalar(operations)}  # for the cards of proposed changes\n"
        if operations
        else "    # operations_channel: C0123ABCD   # for the cards of proposed changes; without it the alert channel\n"
    )
    return f"""\
# yaml-language-server: $schema=config.schema.json
# The line above is for editors: write that file with `cmbot config schema > config.schema.json`.
# cmbot's settings; docs/configuration.md lists every key. Run `cmbot check` after each edit.
# Never write secrets here: SLACK_BOT_TOKEN, SLACK_APP_TOKEN and the tokens of clusters are environment variables.

clusters:
  - name: {_scalar(answers["name"])}  # the name that people type: /cm stat {answers["name"]}
    hosts:  # the service address of every Clustermgr node
{hosts}    alert_channel: {_scalar(alerts)}  # channel ids, not names; type /invite @cmbot in each channel
{card_channel}    channels: {_flow(channels)}  # in these channels `/cm stat` means this cluster
    # token_env: CMBOT_TOKEN            # the environment variable with the secret of its request token
    # schedulers: [10.0.1.0/24]         # addresses, or networks, of schedulers whose statistics cmbot reads

access:
  operators:  # who may propose changes; without any, no change is possible
    users: {_flow(people)}
    groups: {_flow(groups)}
  approvers:  # whose approval a change needs; with strict policies another person than the one who proposes it
    users: {_flow(people)}
    groups: {_flow(groups)}
  # admins: {{users: []}}               # who may cancel any operation, and settle one with an unknown outcome

policies:
  default: strict  # a second person decides on each change that risks the cluster; docs/security.md

store:
  url: {_scalar(answers["store"])}  # with a password: leave this out and set CMBOT_STORE_URL

# summaries:                          # what happened and what is open, by a schedule
#   - {{channel: {alerts}, cron: "0 9 * * mon-fri", timezone: UTC}}
"""

"""What the manual tells people to type and to set is accepted by the program, on every page."""

import re
import shlex
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import pytest
import yaml

from bot.alerting.rules.table import RULES
from bot.alerting.rules.thresholds import configure
from bot.chatops.commands.help import topic
from bot.chatops.commands.parser import parse
from bot.chatops.commands.registry import COMMANDS
from bot.cli.options import parse as parse_line
from bot.cli.options import parser
from bot.common.errors import UserError
from bot.config import Secrets, Section, Settings
from bot.config import parse as parse_settings
from bot.config.model import OperationSettings
from bot.interactions.command import Command
from tests.support.manual import (
    MANUAL,
    OF_PROGRAMMERS,
    ROOT,
    Written,
    command_lines,
    commands,
    dotted_settings,
    inline_settings,
    is_pattern,
    metrics,
    typed_forms,
    yaml_blocks,
)

CLUSTERS = ("prod", "test", "archive")
FOR_PEOPLE = [page for page in MANUAL if page.name not in OF_PROGRAMMERS]
SENTENCES = ("docs/phrasebook.md",)
"""Pages with whole sentences in code; one that begins with a command is no command."""
OTHER_KEYS = frozenset({"active", "paused", "should_escape", "socket_mode_enabled", "dialect"})
"""Keys in code that are no settings: of Clustermgr's answers, of the app's manifest."""
MANIFEST = frozenset({"features", "settings", "display_information", "oauth_config"})
MINIMAL: Mapping[str, Any] = {"name": "prod", "hosts": ["10.0.0.1:9998"], "alert_channel": "C0STORAGE"}


def _is_sentence(each: Written) -> bool:
    return each.page in SENTENCES and each.text.endswith(".")


def refusal(line: str) -> str:
    """What the grammar says against a typed command; "" if it is accepted or only lacks an argument."""
    try:
        parse(line.removeprefix("/cm").strip(), COMMANDS, clusters=CLUSTERS, default_cluster="prod")
    except UserError as error:
        return "" if " needs " in str(error) else str(error)
    return ""


def accepted(settings: Mapping[str, Any]) -> None:
    """Read settings and the rules in them as the program does at its start; raises ConfigError."""
    tokens = {"CMBOT_TOKEN_PROD": "secret", "CMBOT_TOKEN_SCHED": "secret"}
    read = parse_settings(yaml.safe_dump(dict(settings)), secrets=Secrets(), environment=tokens)
    for cluster in read.clusters:
        configure(read.rules, cluster.rules)


def command_of(line: str) -> Command | None:
    """The command with the longest path at the start of a line."""
    words = tuple(line.split()[1:])
    found = [command for command in COMMANDS if words[: len(command.path)] == command.path]
    return max(found, key=lambda command: len(command.path), default=None)


def test_every_command_of_the_manual_can_be_typed() -> None:
    concrete = [each for each in commands() if not is_pattern(each.text) and not _is_sentence(each)]
    assert len(concrete) > 100
    wrong = {str(each): why for each in concrete if (why := refusal(each.text))}
    assert wrong == {}


def test_every_grammar_of_the_manual_names_a_command_and_its_arguments() -> None:
    patterns = [each for each in commands() if is_pattern(each.text) and not _is_sentence(each)]
    assert len(patterns) > 40
    wrong = [str(each) for each in patterns for form in typed_forms(each.text) if not _fits(form, each)]
    assert wrong == []


def _fits(form: str, written: Written) -> bool:
    command = command_of(form)
    if command is None or not command.path:
        return False
    known = {key for name, _ in topic(command).arguments for key in re.findall(r"([\w-]+)=", name)} | {"cluster"}
    return set(re.findall(r"(?<![\w-])([a-z][\w-]*)=", written.text)) <= known


@pytest.mark.parametrize(("page", "block"), [*yaml_blocks(FOR_PEOPLE)], ids=lambda value: str(value)[:40])
def test_every_block_of_yaml_is_accepted(page: str, block: dict[str, Any]) -> None:
    assert isinstance(block, dict), page
    if set(block) <= MANIFEST:
        assert _shape(block) - _shape(yaml.safe_load((ROOT / "app_manifest.yaml").read_text())) <= {
            "request_url",
            "url",
        }
        return
    given = [{**MINIMAL, **cluster} for cluster in block.get("clusters", [{}])]
    accepted({**block, "clusters": given})


def _shape(value: Any) -> set[str]:
    """All keys of nested mappings and lists."""
    if isinstance(value, Mapping):
        return {str(key) for key in value}.union(*(_shape(each) for each in value.values()))
    return set().union(*(_shape(each) for each in value)) if isinstance(value, list) else set()


def test_the_comments_of_the_example_are_settings() -> None:
    """Each setting that the example has in a comment is accepted there."""
    text = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
    lines = [re.sub(r"^( *)# ((?: *)(?:- )?[\w{]+(?:: |:$|\{).*)$", r"\1\2", line) for line in text.splitlines()]
    shown = yaml.safe_load("\n".join(lines))
    assert {"policies", "status", "retention", "replicas", "docs_url", "log_level", "store"} <= set(shown)
    accepted(shown)


def _keys(model: type[Section]) -> set[str]:
    """All names of fields in a section and in those within it."""
    found = set(model.model_fields)
    for field in model.model_fields.values():
        for module, name in re.findall(r"(bot\.config\.\w+)\.(\w+)", str(field.annotation)):
            inner = getattr(import_module(module), name)
            if isinstance(inner, type) and issubclass(inner, Section) and inner is not model:
                found |= _keys(inner)
    return found


KEYS = _keys(Settings) | _keys(OperationSettings)
POLICIES = {"task_enable", "task_disable", "member_add", "member_remove", "member_replace", "leader_transfer"}
OF_RULES = {"enabled", "severity", "hold", "clear", "remind", *(rule.key for rule in RULES)}
THRESHOLDS = {name for rule in RULES for name in (*rule.thresholds, *rule.lists)}


def test_every_setting_in_a_line_of_the_manual_exists() -> None:
    known = KEYS | POLICIES | OF_RULES | THRESHOLDS | OTHER_KEYS
    named = [*inline_settings(FOR_PEOPLE)]
    assert len(named) > 10
    assert [str(each) for each in named if each.text.partition(":")[0].split(".")[-1] not in known] == []


def test_every_dotted_setting_of_the_manual_exists() -> None:
    roots = set(Settings.model_fields)
    named = [each for each in dotted_settings(FOR_PEOPLE) if re.split(r"[.\[]", each.text)[0] in roots]
    known = KEYS | OF_RULES | THRESHOLDS | POLICIES
    events = {"store.down"}
    unknown = [
        str(each)
        for each in named
        if each.text not in events and not each.text.endswith((".py", ".md")) and not _resolves(each.text, known)
    ]
    assert len(named) > 20
    assert unknown == []


def _resolves(dotted: str, known: set[str]) -> bool:
    return all(part.removesuffix("[]") in known for part in dotted.split("."))


def test_every_command_line_of_the_manual_is_accepted() -> None:
    [subcommands] = [action.choices for action in parser()._actions if action.choices]
    lines = [each for each in command_lines(FOR_PEOPLE) if each.text.split()[1] in {*subcommands, "--help"}]
    assert len(lines) > 15
    for each in lines:
        if each.text.endswith(("--head", "--help")) or each.text.split()[1:] == ["audit"]:
            continue
        written = re.sub(r"(\w+)(?:\|\w+)+", r"\1", re.sub(r"\s*\[[^\]]*\]", "", each.text))
        words = shlex.split(re.split(r"\s(?:\|\|?|>|\\$)", written)[0])[1:]
        try:
            parse_line(
                [word.replace("PORT", "1").replace("ROW:HASH", "1:ab").replace("NUMBER:HASH", "1:ab") for word in words]
            )
        except SystemExit:
            pytest.fail(f"{each} is refused by the command line")


def test_every_metric_of_the_manual_exists() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "bot" / "telemetry").glob("*.py"))
    named = metrics(FOR_PEOPLE)
    assert len(named) > 5
    assert [str(each) for each in named if each.text.removesuffix("_total") not in source] == []


def test_troubleshooting_quotes_what_the_program_says() -> None:
    """Each quoted phrase of the first column stands in the source, unless it is Slack's own."""
    source = re.sub(r'"\s*f?"', "", "\n".join(path.read_text("utf-8") for path in (ROOT / "bot").rglob("*.py")))
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    cells = [line.split("|")[1] for line in page.splitlines() if line.startswith("| ") and "Slack:" not in line]
    phrases = [
        part.strip(" …") for cell in cells for quoted in re.findall(r'"([^"]+)"', cell) for part in quoted.split("…")
    ]
    assert len(phrases) > 8
    assert [phrase for phrase in phrases if phrase and phrase.lower() not in source.lower()] == []

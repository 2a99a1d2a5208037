"""The command line itself: its help, the reading commands beside those of /cm, and the completion of shells."""

import argparse
import subprocess
from pathlib import Path

import pytest

from bot.chatops.commands.registry import COMMANDS
from bot.cli.completion import script
from bot.cli.init import QUESTIONS
from bot.cli.main import main
from bot.cli.options import INIT_OPTIONS, READS, SHELLS, parse, parser
from bot.cli.terminal.ask import typed
from bot.cli.terminal.mrkdwn import TERMINAL_COMMANDS
from bot.permissions.roles import Role


def test_reading_commands_are_those_of_slack() -> None:
    """Each takes the arguments that the command of Slack takes, and changes nothing."""
    for name, read in READS.items():
        [command] = [each for each in COMMANDS if each.path == (name,)]
        assert not command.changes
        assert command.role is Role.VIEWER
        fields = command.args.typed()
        # A terminal always shows the details.
        assert set(read.options) == set(fields) - set(command.args.words) - {"cluster", "details"}
        for option, (_, choices) in read.options.items():
            schema = command.args.model_json_schema()["properties"][option]
            known: list[str] = next((each["enum"] for each in (schema, *schema.get("anyOf", ())) if "enum" in each), [])
            assert list(choices) == known
    assert tuple(READS) == TERMINAL_COMMANDS
    assert [each.option for each in QUESTIONS] == list(INIT_OPTIONS)


def _all(found: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    below = [
        each
        for action in found._actions
        if isinstance(action, argparse._SubParsersAction)
        for each in action.choices.values()
    ]
    return [found, *(one for each in below for one in _all(each))]


def test_every_help_has_a_description_and_the_exit_statuses() -> None:
    """At 80 columns no line of it is wider."""
    for each in _all(parser()):
        text = each.format_help()
        assert each.description, each.prog
        if each.get_default("command"):
            assert "exit status:\n  0 " in text, text
        if any("--config" in action.option_strings for action in each._actions):
            assert "CMBOT_CONFIG" in text, text


def test_help_of_a_command_is_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["help", "audit", "verify"], ["audit", "verify", "--help"]):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 0
    first, _, second = capsys.readouterr().out.partition("usage: cmbot audit verify")[2].partition("usage: ")
    assert second.endswith(first)


@pytest.mark.parametrize(
    ("line", "words", "watch"),
    [
        ("disk 17 --watch prod", ["17", "prod"], 5.0),
        ("disk --watch=2.5s 17", ["17"], 2.5),
        ("disks --status broken prod", ["prod"], None),
        ("stat prod --json", ["prod"], None),
        ("alerts", [], None),
        ("alerts prod", ["prod"], None),
    ],
)
def test_words_and_options_mix(line: str, words: list[str], watch: float | None) -> None:
    args = parse(line.split())
    assert (args.words, args.watch) == (words, watch)


@pytest.mark.parametrize(
    "line", ["stat --no", "disk 1 --watch=0", "disks --sort size", "clusters prod", "", "help --x"]
)
def test_a_wrong_line_ends_with_2(line: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    assert ended.value.code == 2


def test_a_word_of_the_shell_stays_one_word() -> None:
    assert typed("disks", ["prod", "idc=zone one", 'host=a"b', "status="]) == (
        'disks prod idc="zone one" host="a\\"b" status='
    )
    assert typed("stat", ["two words"]) == 'stat "two words"'


def completed(folder: Path, *words: str) -> list[str]:
    """What bash offers behind these words."""
    (folder / "cmbot.bash").write_text(script("bash", parser()))
    (folder / "config.yaml").write_text("clusters:\n  - name: prod\n  - {name: archive, hosts: []}\n")
    line = " ".join(f"'{word}'" for word in ("cmbot", *words))
    code = (
        f"source cmbot.bash; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _cmbot; "
        'printf "%s\\n" "${COMPREPLY[@]}"; complete -p cmbot >/dev/null'
    )
    done = subprocess.run(  # noqa: S603 - our own script
        ["/bin/bash", "-u", "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert not done.stderr
    return done.stdout.split()


def test_bash_completes(tmp_path: Path) -> None:
    assert completed(tmp_path, "st") == ["stat", "status"]
    assert {"prod", "archive", "--json"} <= set(completed(tmp_path, "stat", ""))
    assert completed(tmp_path, "disks", "prod", "--status", "rep") == ["repairing", "repaired"]
    assert completed(tmp_path, "audit", "v") == ["verify"]
    assert completed(tmp_path, "audit", "export", "--format", "") == ["csv", "jsonl"]
    assert completed(tmp_path, "completion", "") == [*SHELLS, "--help"]
    assert completed(tmp_path, "stat", "--config", "") == [], "bash offers the names of files itself"


def test_names_of_files_are_not_run_by_the_completion(tmp_path: Path) -> None:
    (tmp_path / "$(touch made)").write_text("")
    completed(tmp_path, "export", "")
    completed(tmp_path, "import", "$")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_knows_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    text = capsys.readouterr().out
    assert [name for name in (*READS, "init", "audit") if name not in text] == []
    assert "%(" not in text

"""docs/commands.md is what the specs say, and examples in it can be typed."""

from pathlib import Path

import pytest

from bot.chatops.commands.parser import parse
from bot.chatops.commands.registry import COMMANDS
from bot.interactions.command import Command
from tests.docgen import commands
from tests.docgen.commands import MARK, PAGE, main, page

EXAMPLES = [(command, example) for command in COMMANDS for example in command.examples]


def test_committed_documentation_equals_the_generated_page() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert page(written, COMMANDS) == written, "run `make docs`"


def test_hand_written_text_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "commands.md"
    copy.write_text("# Mine\n", encoding="utf-8")
    monkeypatch.setattr(commands, "PAGE", copy)
    main()
    assert copy.read_text(encoding="utf-8").startswith(f"# Mine\n\n{MARK}\n")
    once = copy.read_text(encoding="utf-8")
    main()
    assert copy.read_text(encoding="utf-8") == once


@pytest.mark.parametrize(("command", "example"), EXAMPLES)
def test_every_example_shows_its_verdict(command: Command, example: str) -> None:
    typed = example.removeprefix("/cm").strip()
    assert parse(typed, COMMANDS, clusters=("prod", "test"), default_cluster="test").command is command

"""Every command of the manual, typed into the running program."""

import pytest

from bot.chatops.commands.parser import parse
from bot.chatops.commands.registry import COMMANDS
from bot.cli.demo import Demo
from bot.common.errors import UserError
from tests.e2e.test_journey import ask
from tests.support.manual import MANUAL, commands, is_pattern

pytestmark = pytest.mark.fast_time

GENERATED = frozenset({"phrasebook.md", "preflight.md", "a-day.md"})
"""Pages that show messages; what they tell people to type depends on the state in them."""
PAGES = [page for page in MANUAL if page.name not in GENERATED]
CLUSTERS = ("prod", "archive")
OPENS = frozenset({("do",)})
"""Commands that open a form and post no answer."""


def lines() -> list[str]:
    """Each command once; a change is only checked (`dry-run=yes`), not proposed."""
    found: dict[str, None] = {}
    for each in commands(PAGES):
        if is_pattern(each.text):
            continue
        typed = each.text.removeprefix("/cm").strip()
        try:
            parsed = parse(typed, COMMANDS, clusters=CLUSTERS, default_cluster="prod")
        except UserError:
            continue
        dry = "dry_run" in type(parsed.args).model_fields and "dry-run=" not in typed
        if parsed.command.path not in OPENS:
            found[f"{each.text} dry-run=yes" if dry else each.text] = None
    return list(found)


async def test_every_command_of_the_manual_is_answered(world: Demo) -> None:
    typed = lines()
    assert len(typed) > 60
    failed = []
    for line in typed:
        answer = await ask(world, line)
        if not answer.full_text.strip() or "cmbot itself failed" in answer.full_text:
            failed.append(f"{line}: {answer.full_text[:200]}")
    assert failed == []

"""Which blocks the workspace takes: learned from a refusal, and only from the one that names them."""

from dataclasses import dataclass, field

import pytest

from bot.common.errors import SlackError
from bot.delivery.block_support import BlockSupport, call_plainer
from bot.interactions.message import Message
from bot.views.blocks import data_table, message, section
from bot.views.containers import folded, has_containers
from bot.views.plain_forms import RICHEST, BlockForms, TableForm, form_of

CODES = frozenset({"invalid_blocks", "invalid_blocks_format"})
FOLDED = message("Folded.", folded("Title", [section("one")], op_id=3))
PLAIN = message("Plain.", section("one"))
TABLE = data_table([("1", "2")], header=("A", "B"), caption="Numbers", names=1)
BOTH = message("Both.", TABLE, folded("Title", [section("one")], op_id=3))


@dataclass
class Workspace:
    """Takes messages, and refuses some with a code."""

    code: str = "invalid_blocks"
    containers: bool = True
    data_tables: bool = True
    any: bool = True
    seen: list[Message] = field(default_factory=list)

    async def take(self, shown: Message) -> str:
        """Take a message; returns its ts."""
        self.seen.append(shown)
        refused = (has_containers(shown) and not self.containers) or not self.any
        if refused or (form_of(shown) is TableForm.DATA_TABLE and not self.data_tables):
            raise SlackError("Slack refused it.", code=self.code)
        return f"{len(self.seen)}"


async def test_a_workspace_that_takes_containers_gets_them() -> None:
    support, workspace = BlockSupport(), Workspace()
    assert await call_plainer(workspace.take, FOLDED, CODES, support) == "1"
    assert workspace.seen == [FOLDED]
    assert support.takes == RICHEST


@pytest.mark.parametrize("code", sorted(CODES))
async def test_a_refusal_of_containers_is_remembered(code: str) -> None:
    support, workspace = BlockSupport(), Workspace(code, containers=False)
    assert await call_plainer(workspace.take, FOLDED, CODES, support) == "2"
    assert await call_plainer(workspace.take, FOLDED, CODES, support) == "3"
    assert [has_containers(each) for each in workspace.seen] == [True, False, False]
    assert await call_plainer(workspace.take, PLAIN, CODES, support) == "4"
    assert support.takes == BlockForms(containers=False)


async def test_a_refusal_of_data_tables_is_not_held_against_containers() -> None:
    support, workspace = BlockSupport(), Workspace(data_tables=False)
    await call_plainer(workspace.take, BOTH, CODES, support)
    assert support.takes == BlockForms(TableForm.TABLE)
    await call_plainer(workspace.take, FOLDED, CODES, support)
    assert workspace.seen[-1] == FOLDED


async def test_a_workspace_that_takes_neither_is_learned_step_by_step() -> None:
    support, workspace = BlockSupport(), Workspace(containers=False, data_tables=False)
    await call_plainer(workspace.take, BOTH, CODES, support)
    await call_plainer(workspace.take, FOLDED, CODES, support)
    assert support.takes == BlockForms(TableForm.TABLE, containers=False)
    workspace.seen.clear()
    await call_plainer(workspace.take, BOTH, CODES, support)
    assert len(workspace.seen) == 1


async def test_another_refusal_says_nothing_about_blocks() -> None:
    support = BlockSupport()
    for workspace in (Workspace("channel_not_found", containers=False), Workspace(any=False)):
        with pytest.raises(SlackError):
            await call_plainer(workspace.take, FOLDED, CODES, support)
        assert support.takes == RICHEST

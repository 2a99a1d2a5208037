"""Tables are the richest form that the workspace takes; what it refuses once is remembered."""

import time
from typing import Any

import pytest

from bot.cli.demo import Demo
from bot.delivery.block_support import BlockSupport
from bot.playground.slack_sim.workspace import Message
from bot.views.plain_forms import TableForm
from tests.e2e.test_journey import ask

pytestmark = pytest.mark.fast_time

QUESTIONS = ("/cm disks", "/cm members", "/cm tasks", "/cm balance")


def kinds(message: Message) -> list[str]:
    """The kinds of the blocks of a message."""
    return [str(block["type"]) for block in message.blocks]


def data_table(message: Message) -> Any:
    """The one data table of a message."""
    [found] = [block for block in message.blocks if block["type"] == "data_table"]
    return found


async def test_lists_are_tables_with_typed_cells_and_the_bad_ones_first(world: Demo) -> None:
    world.clusters["prod"].break_disk(4)
    shown = data_table(await ask(world, "/cm disks limit=90"))
    assert shown["caption"]
    header, first, *_ = shown["rows"]
    names = [cell["text"] for cell in header]
    assert names[:2] == ["State", "Disk"]
    assert "broken" in first[0]["text"]
    assert first[1] == {"type": "raw_number", "value": 4, "text": "4"}
    assert first[names.index("Used")]["type"] == "raw_number"
    for line in QUESTIONS[1:]:
        assert data_table(await ask(world, line))["rows"]


async def test_refusal_of_a_data_table_is_remembered_for_the_workspace(world: Demo) -> None:
    """The first answer is refused once; later answers, also after a restart, are tables at once."""
    workspace = world.slack.workspace
    workspace.refused_kinds.add("data_table")
    for line in QUESTIONS:
        assert "table" in kinds(await ask(world, line)), line
    assert workspace.refusals == 1
    async with world.app.store.read() as uow:
        [stored] = await uow.workspaces.every()
    assert (stored.team, stored.tables) == (workspace.team.id, "table")
    restarted = BlockSupport(world.app.store, time.time)
    await restarted.load()
    restarted.at_home(workspace.team.id)
    assert restarted.takes.tables is TableForm.TABLE


async def test_workspace_without_any_table_gets_the_same_rows_as_text(world: Demo) -> None:
    world.slack.workspace.refused_kinds.update({"data_table", "table"})
    shown = await ask(world, "/cm disks")
    assert not {"data_table", "table"} & set(kinds(shown))
    assert "/data/disk1" in shown.full_text
    again = await ask(world, "/cm members")
    assert "127.0.0.1:10110" in again.full_text
    assert world.slack.workspace.refusals == 2

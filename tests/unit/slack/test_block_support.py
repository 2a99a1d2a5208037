"""Which blocks the workspace takes: learned from a refusal, and only from the one that names them."""

from dataclasses import dataclass, field

import pytest

from bot.common.errors import SlackError
from bot.interactions.message import Message
from bot.slack.block_support import BlockSupport
from bot.views.blocks import message, section
from bot.views.containers import folded, has_containers

FOLDED = message("Folded.", folded("Title", [section("one")], op_id=3))
PLAIN = message("Plain.", section("one"))


@dataclass
class Workspace:
    """Takes messages, and refuses some with a code."""

    refuses: str = ""
    also_plain: bool = False
    seen: list[Message] = field(default_factory=list)

    async def take(self, shown: Message) -> str:
        """Take a message; returns its ts."""
        self.seen.append(shown)
        if self.refuses and (has_containers(shown) or self.also_plain):
            raise SlackError("Slack refused it.", code=self.refuses)
        return f"{len(self.seen)}"


async def test_a_workspace_that_takes_containers_gets_them() -> None:
    support, workspace = BlockSupport(), Workspace()
    assert await support.send(workspace.take, FOLDED) == "1"
    assert workspace.seen == [FOLDED]
    assert support.containers


@pytest.mark.parametrize("code", ["invalid_blocks", "invalid_blocks_format"])
async def test_a_refusal_is_remembered(code: str) -> None:
    support, workspace = BlockSupport(), Workspace(code)
    assert await support.send(workspace.take, FOLDED) == "2"
    assert await support.send(workspace.take, FOLDED) == "3"
    assert [has_containers(each) for each in workspace.seen] == [True, False, False]
    assert await support.send(workspace.take, PLAIN) == "4"


async def test_another_refusal_says_nothing_about_containers() -> None:
    support = BlockSupport()
    for workspace in (Workspace("channel_not_found"), Workspace("invalid_blocks", also_plain=True)):
        with pytest.raises(SlackError):
            await support.send(workspace.take, FOLDED)
        assert support.containers

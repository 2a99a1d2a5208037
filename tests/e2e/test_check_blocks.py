"""`cmbot check --blocks`: Slack checks the form of every message, and nothing is posted."""

import json
from pathlib import Path

from bot.cli.check_blocks import samples
from bot.playground.slack_sim.server import LocalSlack
from tests.docgen.block_samples import PAGE, page
from tests.e2e.test_check import cmbot, write

HOSTS = ["http://127.0.0.1:9"]


async def checked(folder: Path, *refused: str) -> tuple[int, str]:
    """Run the command in a workspace that does not take these kinds of blocks; its exit status and what it printed."""
    async with LocalSlack() as slack:
        slack.workspace.refused_kinds.update(refused)
        config = write(folder, slack, HOSTS, channel="C0STORAGE")
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
        status, out = await cmbot("check", "--blocks", "--config", config, **tokens)
        assert slack.workspace.messages == []
        slack.assert_no_violations()
    return status, out


async def test_every_view_is_taken(tmp_path: Path) -> None:
    status, out = await checked(tmp_path)
    assert status == 0, out
    assert f"Slack takes {len(list(samples()))} forms" in out


async def test_kind_of_table_that_is_not_taken_is_no_failure(tmp_path: Path) -> None:
    status, out = await checked(tmp_path, "data_table")
    assert status == 0, out
    assert "not taken here: data_table" in out


async def test_view_that_is_refused_has_a_line_with_its_fault(tmp_path: Path) -> None:
    status, out = await checked(tmp_path, "divider")
    assert status == 1, out
    [line] = [line for line in out.splitlines() if "divider" in line and "failed" in line][:1]
    assert "/type: unsupported type: divider" in line


def test_samples_are_what_the_views_render() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs` and review"


def test_every_kind_of_surface_is_among_the_samples() -> None:
    kinds = {(each.kind, each.value.get("type", "")) for each in samples()}
    assert kinds == {("message", ""), ("view", "modal"), ("view", "home")}
    assert "data_table" in json.dumps([each.value for each in samples()])

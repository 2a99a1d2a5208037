"""The Slack app's manifest asks for what the program uses, no more and no less, and says so in the docs."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.chatops.commands.registry import COMMANDS
from bot.chatops.shortcuts import SHORTCUTS
from bot.playground.slack_sim.team import DEMO_TEAM
from bot.slack.methods import METHODS, SCOPES

ROOT = Path(__file__).parents[3]

EVENTS = ["app_home_opened", "app_mention", "channel_shared", "channel_unshared"]


@pytest.fixture(scope="module")
def manifest() -> Any:
    return yaml.safe_load((ROOT / "app_manifest.yaml").read_text())


def test_the_scopes_are_those_of_the_methods_that_are_called(manifest: Any) -> None:
    asked = manifest["oauth_config"]["scopes"]["bot"]
    assert sorted(asked) == sorted(SCOPES)
    assert asked == sorted(asked)
    assert "user" not in manifest["oauth_config"]["scopes"]


def test_no_call_goes_around_the_table_of_methods() -> None:
    """Only that table names methods of the Web API in the source."""
    names = {method.name for method in METHODS if "." in method.name}
    families = {name.split(".")[0] for name in names} | {"users", "pins", "reactions", "files", "team", "im"}
    literals = tuple(f'"{family}.' for family in families)
    for path in (ROOT / "bot" / "slack").glob("*.py"):
        if path.name != "methods.py":
            assert not any(literal in path.read_text() for literal in literals), path


def test_each_scope_has_its_reason_in_the_docs(manifest: Any) -> None:
    page = (ROOT / "docs" / "slack-app.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    for scope in manifest["oauth_config"]["scopes"]["bot"]:
        assert any(f"`{scope}`" in row.split("|")[1] for row in rows), scope
    for method in METHODS:
        if method.scopes and "." in method.name:
            assert any(method.name in row for row in rows), method.name


def test_shortcuts_are_those_that_are_carried_out_and_that_the_page_offers(manifest: Any) -> None:
    shortcuts = manifest["features"]["shortcuts"]
    assert {each["callback_id"] for each in shortcuts} == set(SHORTCUTS)
    assert [(each["name"], each["callback_id"]) for each in shortcuts] == [
        (each.name, each.callback_id) for each in DEMO_TEAM.shortcuts
    ]


def test_command_escapes_user_input(manifest: Any) -> None:
    [command] = manifest["features"]["slash_commands"]
    assert (command["command"], command["should_escape"]) == ("/cm", True)
    assert "url" not in command, "Socket Mode needs no address"


def test_buttons_the_home_tab_and_socket_mode_are_on(manifest: Any) -> None:
    settings = manifest["settings"]
    assert settings["interactivity"] == {"is_enabled": True}
    assert settings["socket_mode_enabled"] is True
    assert settings["event_subscriptions"]["bot_events"] == EVENTS
    assert manifest["features"]["app_home"]["home_tab_enabled"] is True


def test_the_hint_has_every_command(manifest: Any) -> None:
    """What is added to the table is added to the hint; `task enable|disable` names two commands."""
    hint = manifest["features"]["slash_commands"][0]["usage_hint"]
    parts = [part.split() for part in hint.split(" | ")]
    alone = {(words[0],) for words in parts}
    pairs = {(words[0], second) for words in parts if len(words) > 1 for second in words[1].split("|")}
    missing = [command.path for command in COMMANDS if command.path and command.path not in alone | pairs]
    assert missing == []


def test_closed_forms_can_be_answered_by_direct_message(manifest: Any) -> None:
    """Slack refuses direct messages of an app without its messages tab; people need not write there."""
    home = manifest["features"]["app_home"]
    assert home["messages_tab_enabled"] is True
    assert home["messages_tab_read_only_enabled"] is True


def test_texts_are_within_slack_s_limits(manifest: Any) -> None:
    """Limits of the manifest's JSON schema."""
    shown = manifest["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert 175 <= len(shown["long_description"]) <= 4000
    assert len(manifest["features"]["slash_commands"][0]["usage_hint"]) <= 1000
    assert set(manifest) == {"display_information", "features", "oauth_config", "settings"}

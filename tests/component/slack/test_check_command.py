"""What `cmbot check` says about Slack, line by line."""

from collections.abc import Sequence

import pytest

from bot.slack.client import SlackClient
from bot.slack.diagnostics import Checked, check_slack
from bot.slack.methods import OPTIONAL_SCOPES, SCOPES
from tests.support.slack_stub import Stub, says

ALL = ", ".join(SCOPES)


async def check(
    gateway: SlackClient, *, app: bool = True, secret: str = "", channels: Sequence[str] = ()
) -> dict[str, Checked]:
    named = dict.fromkeys(channels, "prod.alert_channel")
    found = await check_slack(
        gateway, app_token="xapp-1" if app else "", signing_secret=secret, channels=named, groups=["S1"]
    )
    return {line.what: line for line in found}


def well(stub: Stub, *, scopes: str = ALL) -> None:
    """A workspace in which everything is right."""
    stub.will("auth.test", says({"ok": True, "user_id": "U1", "team": "Local"}, X_OAuth_Scopes=scopes))
    stub.will("apps.connections.open", says({"ok": True, "url": "wss://x"}))


async def test_check_of_a_sound_workspace_passes(stub: Stub, gateway: SlackClient) -> None:
    well(stub)
    stub.will("conversations.info", says({"ok": True, "channel": {"id": "C1", "name": "ops", "is_member": True}}))
    stub.will("usergroups.users.list", says({"ok": True, "users": ["U1", "U2"]}))
    lines = await check(gateway, channels=["C1"])
    assert all(line.ok for line in lines.values())
    assert list(lines) == ["bot token", "scopes", "app token", "channel C1 (prod.alert_channel)", "user group S1"]
    assert lines["user group S1"].words == "2 members"


async def test_a_wrong_token_is_said_once(stub: Stub, gateway: SlackClient) -> None:
    stub.will("auth.test", says({"ok": False, "error": "invalid_auth"}))
    stub.will("apps.connections.open", says({"ok": False, "error": "not_allowed_token_type"}))
    lines = await check(gateway, channels=["C1"])
    assert list(lines) == ["bot token", "app token", "1 channel, 1 user group"]
    assert "not checked" in lines["1 channel, 1 user group"].words
    assert "xoxb-" in lines["bot token"].fix
    assert "swapped" in lines["app token"].fix


async def test_swapped_tokens_are_reported_without_a_call(stub: Stub) -> None:
    async with SlackClient("xapp-1-secret", f"{stub.origin}/api/") as gateway:
        found = await check_slack(gateway, app_token="xoxb-secret", signing_secret="", channels={}, groups=())
    lines = {line.what: line for line in found}
    assert lines["bot token"].words == "SLACK_BOT_TOKEN takes the token that begins with xoxb-"
    assert lines["app token"].words == "SLACK_APP_TOKEN takes the token that begins with xapp-"
    assert stub.asked == []
    assert "secret" not in str(found)


async def test_missing_scopes_are_named(stub: Stub, gateway: SlackClient) -> None:
    well(stub, scopes="commands, chat:write")
    line = (await check(gateway))["scopes"]
    assert not line.ok
    assert "usergroups:read" in line.words, "the settings name a user group"
    assert "chat:write" not in line.words


@pytest.mark.parametrize("scope", OPTIONAL_SCOPES)
async def test_optional_scope_is_a_warning_with_what_is_lost(stub: Stub, gateway: SlackClient, scope: str) -> None:
    well(stub, scopes=", ".join(SCOPES - {scope}))
    found = await check_slack(gateway, app_token="xapp-1", signing_secret="", channels={}, groups=())
    lines = {line.what: line for line in found}
    assert lines["scopes"].ok
    assert (lines[f"scope {scope}"].ok, lines[f"scope {scope}"].warns) == (True, True)
    assert OPTIONAL_SCOPES[scope] in lines[f"scope {scope}"].words


@pytest.mark.parametrize("sign", ["is_ext_shared", "is_pending_ext_shared"])
async def test_shared_channel_is_a_warning(stub: Stub, gateway: SlackClient, sign: str) -> None:
    well(stub)
    stub.will("conversations.info", says({"ok": True, "channel": {"name": "ops", "is_member": True, sign: True}}))
    line = (await check(gateway, channels=["C1"]))["channel C1 (prod.alert_channel)"]
    assert (line.ok, line.warns) == (True, True)
    assert "shared with another organisation" in line.words


async def test_each_channel_problem_names_its_fix(stub: Stub, gateway: SlackClient) -> None:
    well(stub)
    stub.will(
        "conversations.info",
        says({"ok": True, "channel": {"name": "ops", "is_member": False}}),
        says({"ok": True, "channel": {"name": "old", "is_member": True, "is_archived": True}}),
        says({"ok": False, "error": "channel_not_found"}),
    )
    lines = list((await check(gateway, channels=["C1", "C2", "C3"])).values())[3:6]
    assert [line.ok for line in lines] == [False] * 3
    assert [line.fix.split(",")[0] for line in lines] == [
        "type /invite @cmbot in it",
        "name another channel",
        "correct the id",
    ]


async def test_an_empty_or_unknown_group_grants_nothing(stub: Stub, gateway: SlackClient) -> None:
    for answer in (says({"ok": True, "users": []}), says({"ok": False, "error": "no_such_subteam"})):
        well(stub)
        stub.will("usergroups.users.list", answer)
        line = (await check(gateway))["user group S1"]
        assert not line.ok
        assert line.fix


async def test_missing_delivery_token_is_reported(stub: Stub, gateway: SlackClient) -> None:
    well(stub)
    assert "SLACK_APP_TOKEN" in (await check(gateway, app=False))["app token"].fix
    well(stub)
    assert (await check(gateway, app=False, secret="s3cret0123456789"))["signing secret"].ok

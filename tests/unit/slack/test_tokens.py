"""The form of Slack's tokens: what a start refuses, and what only Slack can judge."""

import pytest

from bot.slack.tokens import faults

BOT, APP, SECRET = "xoxb-123456789012-1234567890123-AbCdEf", "xapp-1-A012BC3DE-1234567890123-0a1b2c", "0a1b2c3d4e5f6071"


@pytest.mark.parametrize(
    ("bot", "app", "secret", "variables"),
    [
        (BOT, APP, "", ()),
        (BOT, "", SECRET, ()),
        (f"xoxe.{BOT}", APP, "", ()),
        ("", APP, "", ("SLACK_BOT_TOKEN",)),
        (BOT, "", "", ("SLACK_APP_TOKEN",)),
        (APP, BOT, "", ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")),
        (BOT, BOT, "", ("SLACK_APP_TOKEN",)),
        ("xoxb-…", "xapp-…", "", ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")),
        ("xoxb-your-token-here", APP, "", ("SLACK_BOT_TOKEN",)),
        ("<bot token>", APP, "", ("SLACK_BOT_TOKEN",)),
        (BOT, "xapp-XXXXXXXX", "", ("SLACK_APP_TOKEN",)),
        (f"{BOT} {APP}", APP, "", ("SLACK_BOT_TOKEN",)),
        ("xoxp-123456789012-1234567890123", APP, "", ("SLACK_BOT_TOKEN",)),
        (BOT, "", "changeme", ("SLACK_SIGNING_SECRET",)),
        (BOT, "", BOT, ("SLACK_SIGNING_SECRET",)),
    ],
)
def test_tokens_that_cannot_be_right_are_named(bot: str, app: str, secret: str, variables: tuple[str, ...]) -> None:
    found = faults(bot, app, secret)
    assert tuple(fault.variable for fault in found) == variables


def test_fault_names_what_to_do_and_never_the_value() -> None:
    [fault] = faults("xapp-1-A0-very-private", APP, "")
    assert "swapped" in str(fault)
    assert "private" not in str(fault)

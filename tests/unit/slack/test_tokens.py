"""Tokens that cannot be right are recognised without a call, whichever way they are wrong."""

import pytest

from bot.slack.tokens import bot_fault, delivery_fault

BOT, APP, SIGNING = "xoxb-11-22-AbCdEf", "xapp-1-A1-22-abcdef", "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("", "SLACK_BOT_TOKEN is not set"),
        (APP, "takes the token that begins with xoxb-"),
        ("xoxp-11-22-abcdef", "does not have the form of a bot token"),
        ("xoxb-", "placeholder"),
        ("xoxb-…", "placeholder"),
        ("xoxb-...", "placeholder"),
        ("xoxb-your-token", "placeholder"),
        ("xoxb-YOUR-BOT-TOKEN", "placeholder"),
        ("xoxb-xxxxxxxx-xxxx", "placeholder"),
        ("<xoxb-token>", "placeholder"),
        ("changeme", "placeholder"),
        ("$SLACK_BOT_TOKEN", "placeholder"),
        ('"xoxb-11-22-AbCdEf"', "quotes around it"),
        ("Bearer xoxb-11-22-AbCdEf", "does not have the form"),
        ("xoxb-11-22 AbCdEf", "does not have the form"),
        ("xoxb-11-22-AbCdÉf", "does not have the form"),
    ],
)
def test_bot_token_that_cannot_be_right_has_a_fault(token: str, words: str) -> None:
    fault = bot_fault(token)
    assert fault is not None
    assert words in fault.sentence
    assert "AbCd" not in fault.sentence


@pytest.mark.parametrize(
    ("app", "signing", "words"),
    [
        ("", "", "neither an app token nor a signing secret is set"),
        (BOT, SIGNING, "takes the token that begins with xapp-"),
        ("xapp-…", "", "placeholder"),
        ("xapp-1-…", "", "placeholder"),
        ("xoxp-1-2", "", "does not have the form of an app token"),
        ("'xapp-1-A1-22-abcdef'", "", "quotes around it"),
        ("", APP, "SLACK_SIGNING_SECRET holds a token"),
        ("", BOT, "SLACK_SIGNING_SECRET holds a token"),
        ("", "<signing secret>", "placeholder"),
        ("", "your-signing-secret", "placeholder"),
        ("", "0123456789abcdef 0123456789abcdef", "does not have the form of a signing secret"),
    ],
)
def test_way_in_that_cannot_be_right_has_a_fault(app: str, signing: str, words: str) -> None:
    fault = delivery_fault(app, signing)
    assert fault is not None
    assert words in fault.sentence


@pytest.mark.parametrize("token", [BOT, "xoxe.xoxb-1-AbCdEf", "xoxb-local-0123abc", "xoxb-wrong-and-secret"])
def test_bot_token_of_a_right_form_is_left_to_slack(token: str) -> None:
    assert bot_fault(token) is None
    assert delivery_fault(APP, "") is None
    assert delivery_fault("", SIGNING) is None

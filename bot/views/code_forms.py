"""The code of break-glass: the modal in which it is typed, the button that opens it, and why it is refused. No I/O."""

import json

from bot.common.json_object import JsonObject
from bot.interactions.message import Message
from bot.permissions.one_time_codes import DIGITS, CodeVerdict
from bot.views.blocks import actions, button, clip, code, context, message, plain, section
from bot.views.inputs import Ask, typed
from bot.views.mentions import MAX_SHOWN, MAX_VALUE

CODE_CALLBACK = "cmbot_code:1"
"""The modal and its version."""
CODE = "code:typed"
"""The action id, and block id, of the input."""
CODE_BUTTON = "break_glass_code"
"""The button that opens the modal; its value has `user`, `cluster` and `text` of the command."""
_MAX_TITLE = 24
NEEDED = "Break-glass needs a code of your authenticator app. Nothing was proposed yet."


def code_form(command: str, sealed: str) -> JsonObject:
    """Render the modal; `command` is what the code is for, as people read it."""
    line = clip(f"/cm {command}", MAX_SHOWN)
    words = f"{code(line)}\nThe code proves that it is you. It is checked, used up, and kept nowhere."
    ask = Ask(CODE, CODE, "Code", f"The {DIGITS} digits that your authenticator app shows now.", required=True)
    return {
        "type": "modal",
        "callback_id": CODE_CALLBACK,
        "private_metadata": sealed,
        "title": _plain("Break-glass"),
        "submit": _plain("Propose"),
        "close": _plain("Not now"),
        "blocks": [section(words), typed(ask, most=DIGITS + 2)],
    }


def code_asked(command: str, shown: str, user: str, cluster: str) -> Message:
    """Say that a code is needed, with its button; `command` is as Slack delivered it, `shown` as people read it."""
    value = json.dumps({"user": user, "cluster": cluster, "text": command}, separators=(",", ":"))
    line = clip(f"/cm {shown}", MAX_SHOWN)
    parts = [section(f"{NEEDED}\n{code(line)}")]
    if len(value) <= MAX_VALUE:
        parts.append(actions(button("Enter the code", CODE_BUTTON, value, style="primary")))
    else:
        parts.append(context("Type the command again with a shorter reason."))
    return message(NEEDED, *parts)


def code_refused(verdict: CodeVerdict, *, left: int, user: str) -> str:
    """Return why a code is refused, and what to do."""
    if verdict is CodeVerdict.LOCKED:
        return "Five codes were wrong, so codes are locked for 15 minutes. Ask another person with a code, or wait."
    tries = f"{left} more {'try' if left == 1 else 'tries'}, then codes are locked for 15 minutes."
    return {
        CodeVerdict.WRONG: f"This code is wrong. {tries}",
        CodeVerdict.REUSED: f"This code was used already. Wait for the next one. {tries}",
        CodeVerdict.MALFORMED: f"Type the {DIGITS} digits of the code.",
        CodeVerdict.UNKNOWN: f"You have no code yet. An admin runs cmbot enrol {user} on the host of cmbot.",
        CodeVerdict.NO_KEY: "The settings demand a code, but CMBOT_CODE_KEY is not set on the host of cmbot.",
    }[verdict]


def _plain(text: str) -> JsonObject:
    return {"type": "plain_text", "text": clip(plain(text), _MAX_TITLE), "emoji": True}

"""The answer to a change that was asked for by mention: what to type, and a button for its author. No I/O."""

import json

from slackblocks import Button

from bot.interactions.events import MENTION_RUN
from bot.interactions.message import Message
from bot.views.blocks import actions, button, clip, code, confirm, context, escape, message, section

MAX_VALUE = 2000
"""Characters of a button's value that Slack keeps."""
MAX_SHOWN = 200
"""Shown characters of what was typed."""


def change_offered(typed: str, user: str, *, shown: str, complete: bool, proposes: bool) -> Message:
    """Say that a mention changes nothing, with what to type, and a button that does it.

    `typed` is the command behind `/cm` as Slack delivered it, `shown` the same as people read it. The button of a
    command that is not `complete` opens its form; one that `proposes` leads to a card, any other takes effect at once.
    """
    line = clip(f"/cm {shown}", MAX_SHOWN)
    text = f"Nothing was changed: a mention only reads. To go on, type {line}"
    value = json.dumps({"user": user, "text": typed}, separators=(",", ":"))
    parts = [section(f"Nothing was changed: a mention only reads. To go on, type {code(line)}")]
    if len(value) <= MAX_VALUE:
        parts.append(actions(_button(value, line, complete=complete, proposes=proposes)))
        parts.append(context(f"The button works for <@{escape(user)}> alone. All others type the command."))
    return message(escape(text), *parts)


def _button(value: str, line: str, *, complete: bool, proposes: bool) -> Button:
    if not complete:
        return button("Fill in the form", MENTION_RUN, value, style="primary")
    follows = (
        "It is checked as if you typed it, and posted as a card. Nothing changes before the approval."
        if proposes
        else "It takes effect at once, as if you typed it."
    )
    sure = confirm("Do this?", f"{line}\n{follows}", "Go on", "Not now")
    return button("Propose it" if proposes else "Do it", MENTION_RUN, value, style="primary", confirm=sure)

"""Details: the button that opens the rest of a short answer, and the two forms of what it opens. No I/O."""

import json
import re

from slackblocks import Button

from bot.interactions.events import Click
from bot.interactions.message import Message
from bot.views.blocks import button, context, date, message

DETAILS = "details"
"""The action id; the value is {"of": command, "at": Unix seconds}."""
_READING = re.compile(r"(stat [a-z0-9-]{1,60}|clusters)")
"""The commands whose answers have details; the value of a button could be forged."""


def value_of(command: str, at: float) -> str:
    """Return the value of the button beside the answer to `command`, which shows the state at `at` (Unix seconds)."""
    return json.dumps({"of": command, "at": at}, separators=(",", ":"))


def details_button(value: str) -> Button:
    """Return the button with a value of `value_of`."""
    return button("Details", DETAILS, value)


def command_of(click: Click) -> str:
    """Return the command, without `/cm`, that answers in full; "" if the value names none."""
    found = _READING.fullmatch(click.text("of"))
    return f"{found[0]} details=yes" if found else ""


def as_shown(found: Message, at: float) -> Message:
    """Return details of the state that the short answer shows."""
    return _headed(found, f"The same state as in the message: {date(at, 'time')}.")


def newer(found: Message, at: float) -> Message:
    """Return details that were read after the short answer; `at` is when that answer's state was read, 0 if unknown."""
    shown = f" The message shows {date(at, 'time')}." if at else ""
    return _headed(found, f"🔄 Newer than the message: the state was read again.{shown}")


def _headed(found: Message, said: str) -> Message:
    return message(found.text, context(said), *found.blocks)

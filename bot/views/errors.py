"""What a person sees when something did not happen: the sentence, what it concerns, what to quote. Pure."""

import re

from bot.common.errors import ClusterError, CmbotError
from bot.interactions.message import Message
from bot.views.blocks import code, context, escape, message, section

_MENTION = re.compile(r"&lt;([@#][A-Z0-9]{3,40})&gt;")
MOST = 1000
"""Characters of an error's sentence that are shown."""


def sentence(error: CmbotError) -> Message:
    """One error of our tree for the person who met it."""
    # What a cluster says names nobody: its text is hostile.
    words = _told(str(error), links=not isinstance(error, ClusterError))
    blocks = [section(f"⚠ {words}")]
    if isinstance(error, ClusterError) and (facts := _facts(error)):
        blocks.append(context(" · ".join(facts)))
    return message(words, *blocks)


def crashed() -> Message:
    """What is said when the program itself failed."""
    words = (
        "Something in cmbot itself went wrong, so this was not answered. It is logged; please tell whoever runs cmbot."
    )
    return message(words, section(f"⚠ {words}"))


def _told(words: str, *, links: bool) -> str:
    """Escape the sentence, but let people and channels that it names by id be `links`: they notify nobody here."""
    shown = escape(words if len(words) <= MOST else f"{words[:MOST]}…")
    return (_MENTION.sub(r"<\1>", shown) if links else shown) or "It did not work, and no reason was given."


def _facts(error: ClusterError) -> list[str]:
    named = (
        ("host", error.host),
        ("HTTP status", error.status),
        ("its words", error.words),
        ("trace id", error.trace_id),
    )
    return [f"{name} {code(value)}" for name, value in named if value]

"""Errors as a person reads them: the sentence, then host, status and trace id. No I/O."""

import re

from bot.common.errors import ClusterError, CmbotError, Refused
from bot.interactions.message import Message
from bot.views.blocks import code, context, escape, message, section
from bot.views.problem_text.table import problem_text

_MENTION = re.compile(r"&lt;([@#][A-Z0-9]{3,40})&gt;")
MOST = 1000
"""Shown characters of an error's sentence."""


def error_text(error: CmbotError) -> str:
    """Return the sentence of one error of our tree; plain text, not escaped."""
    return problem_text(error.problem) if isinstance(error, Refused) else str(error)


def sentence(error: CmbotError) -> Message:
    """Render one error of our tree."""
    # Mentions in the text of a cluster are not rendered: the text is foreign.
    words = _escaped(error_text(error), links=not isinstance(error, ClusterError))
    blocks = [section(f"⚠ {words}")]
    if isinstance(error, ClusterError) and (facts := _facts(error)):
        blocks.append(context(" · ".join(facts)))
    return message(words, *blocks)


def crashed() -> Message:
    """Render the answer after a failure of the program itself."""
    words = (
        "This was not answered, because cmbot itself failed. "
        "The log has the error; report it to an administrator of cmbot."
    )
    return message(words, section(f"⚠ {words}"))


def _escaped(words: str, *, links: bool) -> str:
    """Escape the sentence; with `links` render people and channels named by id, which notifies no one here."""
    shown = escape(words if len(words) <= MOST else f"{words[:MOST]}…")
    return (_MENTION.sub(r"<\1>", shown) if links else shown) or "This failed without a reason."


def _facts(error: ClusterError) -> list[str]:
    named = (
        ("host", error.host),
        ("HTTP status", error.status),
        ("its words", error.words),
        ("trace id", error.trace_id),
    )
    return [f"{name} {code(value)}" for name, value in named if value]

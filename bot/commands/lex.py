"""From the text behind /cm to tokens: Slack's escapes undone, quotes honoured, nothing understood yet. Pure.

A token is a word or `key=value`; either may be quoted (`"two words"`, `reason=“two words”`). Everything is one pass, so
that no text takes more than linear time.
"""

import re
import unicodedata
from dataclasses import dataclass

from bot.commands.words import shown
from bot.errors import UserError

MAX_TEXT = 3000
"""Characters of one command; Slack itself takes more."""

_DOUBLE = '"“”„‟«»'
_SINGLE = "'‘’‚‛"  # noqa: RUF001 - phones type these
_LINK = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_ENTITY = re.compile(r"&(amp|lt|gt);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}
_KEY = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)=")
_SPACE = re.compile(r"\s+")
_BARE = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Token:
    """A word (`key` is "") or the value given to `key`; `quoted` tells an empty value from a missing one."""

    value: str
    key: str = ""
    quoted: bool = False


def tokens(text: str) -> tuple[Token, ...]:
    """Cut `text` as Slack delivered it into tokens.

    Raises UserError when it is too long, holds control characters or a quote that is not closed.
    """
    if len(text) > MAX_TEXT:
        raise UserError(
            f"This command is {len(text):,} characters long, and at most {MAX_TEXT:,} are taken: shorten it."
        )
    typed = _visible(unescape(text))
    found, at = [], 0
    while (start := _skip_space(typed, at)) < len(typed):
        token, at = _token(typed, start)
        found.append(token)
    return tuple(found)


def unescape(text: str) -> str:
    """Undo what Slack does to text before it hands it on: people and channels become ids, links what was typed."""
    return _ENTITY.sub(lambda match: _ENTITIES[match[1]], _LINK.sub(_unlinked, text))


def _unlinked(match: re.Match[str]) -> str:
    target, label = match[1], match[2]
    if target[:1] in {"@", "#"}:
        return target[1:]
    if target.startswith("!"):
        return target.rpartition("^")[2].lstrip("!")
    return label or target


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    shown = []
    for char in text:
        kind = unicodedata.category(char)
        if kind in {"Cc", "Cs"} and not char.isspace():
            raise UserError(f"This command holds a control character (U+{ord(char):04X}): type it anew without it.")
        if kind != "Cf":
            shown.append(char)
    return "".join(shown)


def _skip_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _token(text: str, at: int) -> tuple[Token, int]:
    named = _KEY.match(text, at)
    key = named[1].lower().replace("-", "_") if named else ""
    start = named.end() if named else at
    opening = text[start : start + 1]
    family = next((quotes for quotes in (_DOUBLE, _SINGLE) if opening and opening in quotes), "")
    if family:
        value, end = _quoted(text, start + 1, family)
        return Token(value, key, quoted=True), end
    bare = _BARE.match(text, start)
    return Token(bare[0] if bare else "", key), bare.end() if bare else start


def _quoted(text: str, start: int, family: str) -> tuple[str, int]:
    """The text up to the closing quote: one of its family that a space or the end follows, so that it's may stand."""
    value, at = [], start
    while at < len(text):
        char, after = text[at], text[at + 1 : at + 2]
        if char == "\\" and after and (after in family or after == "\\"):
            value.append(after)
            at += 2
        elif char in family and (not after or after.isspace()):
            return "".join(value), at + 1
        else:
            value.append(char)
            at += 1
    raise UserError(f"A quote is opened before {shown(text[start:])} and never closed: close it, or leave it out.")


def quote(value: str) -> str:
    """Write `value` so that `tokens` reads it back as one word."""
    escaped = "".join(f"\\{char}" if char in _DOUBLE or char == "\\" else char for char in value)
    return f'"{escaped}"'

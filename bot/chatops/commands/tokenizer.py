"""Split the text behind `/cm` into tokens: undo Slack's escapes and read quotes. No I/O.

A token is a word or `key=value`; either may be quoted (`"two words"`, `reason=“two words”`). Text between
quotes is kept as typed; the rest is mapped by the table in unicode_input.py. One pass keeps the time linear.
"""

import re
import unicodedata

from bot.chatops.commands.unicode_input import is_hidden, plain, plain_char, plain_word
from bot.common.errors import UserError
from bot.common.frozen import frozen
from bot.common.text import shown

MAX_TEXT = 3000
"""Characters of one command; Slack itself takes more."""

_DOUBLE = '"“”„‟＂〝〞〟❝❞'  # noqa: RUF001 - phones and input methods type these
_SINGLE = "'‘’‚‛＇❛❜"  # noqa: RUF001
_FAMILIES = (_DOUBLE, _SINGLE, "«»", "‹›", "「」｢｣", "『』", "《》", "〈〉")  # noqa: RUF001
"""Families of quotes: any quote of a family closes any other of it."""
_AFTER = ".,;!?"
_LINK = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_ENTITY = re.compile(r"&(amp|lt|gt);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}
_KEY = re.compile(r"-*([A-Za-z][A-Za-z0-9_-]*)=")
_SPACE = re.compile(r"\s+")
_BARE = re.compile(r"\S+")


@frozen
class Token:
    """A word (`key` is "") or the value given to `key`, as typed; `quoted` tells an empty value from a missing one."""

    value: str
    key: str = ""
    quoted: bool = False

    @property
    def plain(self) -> str:
        """The value as commands are written; a bare word also without the end of a sentence behind it."""
        return plain(self.value) if self.quoted else plain_word(self.value)


@frozen
class _Text:
    """The typed text: `kept` is without hidden characters, `plain` is `kept` read by the table.

    Both are equally long; `places` has where each of their characters stands in `typed`.
    """

    typed: str
    kept: str
    plain: str
    places: tuple[int, ...]

    def slice(self, start: int, end: int) -> str:
        """Return the part as typed, with its hidden characters."""
        return self.typed[self.places[start] : self.places[end]]


def tokens(text: str) -> tuple[Token, ...]:
    """Cut `text` as Slack delivered it into tokens.

    Raises UserError when it is too long, holds control characters or a quote that is not closed.
    """
    if len(text) > MAX_TEXT:
        raise UserError(
            f"This command is {len(text):,} characters long, and at most {MAX_TEXT:,} are taken: shorten it."
        )
    typed = _read(unescape(text))
    found, at = [], 0
    while (start := _skip_space(typed.plain, at)) < len(typed.plain):
        token, at = _token(typed, start)
        found.append(token)
    return tuple(found)


def unescape(text: str) -> str:
    """Undo Slack's escapes: people and channels become ids, and links become the typed text."""
    return _ENTITY.sub(lambda match: _ENTITIES[match[1]], _LINK.sub(_unlinked, text))


def _unlinked(match: re.Match[str]) -> str:
    target, label = match[1], match[2]
    if target[:1] in {"@", "#"}:
        return target[1:]
    if target.startswith("!"):
        return target.rpartition("^")[2].lstrip("!")
    return label or target


def _read(text: str) -> _Text:
    for char in text:
        if unicodedata.category(char) in {"Cc", "Cs"} and not char.isspace():
            raise UserError(f"This command holds a control character (U+{ord(char):04X}): type it again without it.")
    places = [place for place, char in enumerate(text) if not is_hidden(char)]
    kept = "".join(text[place] for place in places)
    return _Text(text, kept, "".join(map(plain_char, kept)), (*places, len(text)))


def _skip_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _token(text: _Text, at: int) -> tuple[Token, int]:
    named_key = _KEY.match(text.plain, at)
    key = named_key[1].lower().replace("-", "_") if named_key else ""
    start = named_key.end() if named_key else at
    opening = text.kept[start : start + 1]
    family = next((quotes for quotes in _FAMILIES if opening and opening in quotes), "")
    if family:
        return _quoted(text, start, family, key)
    bare = _BARE.match(text.plain, start)
    end = bare.end() if bare else start
    return Token(text.slice(start, end), key), end


def _quoted(text: _Text, opening: int, family: str, key: str) -> tuple[Token, int]:
    closing, end = _closing(text, opening + 1, family)
    inside = text.typed[text.places[opening] + 1 : text.places[closing]]
    value = re.sub(rf"\\([{re.escape(family)}\\])", r"\1", inside)
    return Token(value, key, quoted=True), end


def _closing(text: _Text, start: int, family: str) -> tuple[int, int]:
    """Return the place of the closing quote, and where the next token may start.

    It is one of its family that a space or the end follows, so that it's may stand; or the last one, when only the end
    of a sentence follows.
    """
    at = start
    while at < len(text.kept):
        char, after = text.kept[at], text.kept[at + 1 : at + 2]
        if char == "\\" and after and (after in family or after == "\\"):
            at += 2
        elif char in family and (not after or text.plain[at + 1].isspace()):
            return at, at + 1
        else:
            at += 1
    last = len(text.plain.rstrip(_AFTER)) - 1
    ended = start <= last < len(text.plain) - 1
    if ended and text.kept[last] in family and text.kept[last - 1] != "\\":
        return last, len(text.kept)
    # A quote at the end has nothing behind it to be named by.
    inside, ahead = text.kept[start:].strip(), text.kept[: start - 1].strip()
    place = f" before {shown(inside)}" if inside else f" behind {shown(ahead)}" if ahead else ""
    raise UserError(f"A quote is opened{place} and never closed: close it, or leave it out.")


def quote(value: str) -> str:
    """Write `value` so that `tokens` reads it back as one word."""
    escaped = "".join(f"\\{char}" if char in _DOUBLE or char == "\\" else char for char in value)
    return f'"{escaped}"'

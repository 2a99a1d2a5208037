"""What keyboards, phones and input methods type for the ASCII characters that commands are made of. Pure.

Words, keys and values that name something are read by this table; a free text, such as a reason, is kept as it was
typed. The table maps single characters to single characters. What it does not know stays, so that an error can name it.
"""

import unicodedata
from functools import lru_cache

from bot.common.errors import UserError

_FULL_WIDTH = (0xFF01, 0xFF5E, 0xFEE0)
"""First and last of the full-width forms, and how far they lie behind the ASCII characters that they stand for."""
_DASHES = "\u2212\u2043\u02d7\u30fc\uff70"
"""Typed for a hyphen, though no dashes (Unicode category Pd): minus signs, the bullet, the Japanese long vowel."""
_BLANKS = "\u2800\u3164\u115f\u1160\uffa0"
"""Shown as nothing, though no spaces: Braille's blank and the Hangul fillers."""
_SIGNS = {
    "\u3002": ".",
    "\uff61": ".",
    "\u3001": ",",
    "\uff64": ",",
    "\u2026": ".",
    "\u2044": "/",
    "\u2215": "/",
    "\u2217": "*",
    "\u2236": ":",
    "\u2116": "#",
    "\u2024": ".",
    "\u204e": "*",
}
_SMALL = {
    chr(code): unicodedata.normalize("NFKC", chr(code))
    for code in range(0xFE50, 0xFE6C)
    if len(unicodedata.normalize("NFKC", chr(code))) == 1 and unicodedata.normalize("NFKC", chr(code)).isascii()
}
_ENDS = ".,;!?"
"""What ends a sentence, and thereby a command; no word that is typed ends with it."""
_STEERING = frozenset(chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""What turns the direction of text: with it a card could show another reason than the one that is noted."""


@lru_cache(maxsize=4096)
def plain_char(char: str) -> str:
    """The character that this one stands for in a command; itself where the table has no other."""
    if char.isascii():
        return char
    first, last, behind = _FULL_WIDTH
    if first <= ord(char) <= last:
        return chr(ord(char) - behind)
    if char in _BLANKS:
        return " "
    if char in _DASHES or unicodedata.category(char) == "Pd":
        return "-"
    return _SIGNS.get(char) or _SMALL.get(char) or char


def is_hidden(char: str) -> bool:
    """Whether it is a format character: zero-width, a mark of direction, a soft hyphen."""
    return unicodedata.category(char) == "Cf"


def plain(text: str) -> str:
    """The text as commands are written: without what is hidden, each other character read by the table."""
    if text.isascii():
        return text
    return "".join(plain_char(char) for char in text if not is_hidden(char))


def plain_word(text: str) -> str:
    """A word without the end of a sentence behind it, and a number without the # before it."""
    word = plain(text)
    word = word.rstrip(_ENDS) or word
    return word[1:] if word[:1] == "#" and word[1:].isdecimal() else word


def named(char: str) -> str:
    """The character for a person: itself, its number and its name."""
    name = unicodedata.name(char, "")
    return f'"{char}" (U+{ord(char):04X}{f" {name}" if name else ""})'


def refuse_steering(text: str) -> str:
    """The text; raises UserError that names a character in it which turns the direction of what follows."""
    turning = next((char for char in text if char in _STEERING), "")
    if turning:
        number = f"U+{ord(turning):04X} {unicodedata.name(turning, '')}".strip()
        raise UserError(f"The text holds a hidden character that turns the direction of text ({number}): delete it.")
    return text


def strange(text: str) -> str:
    """The first character that no command is written with, "" when there is none."""
    return next((char for char in text if not char.isascii() and char.isprintable()), "")

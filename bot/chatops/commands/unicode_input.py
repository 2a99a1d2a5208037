"""Map characters that keyboards, phones and input methods type to the ASCII characters of commands. No I/O.

Words, keys and values that name something are read by this table; a free text, such as a reason, is kept as it was
typed. The table maps single characters to single characters. Unknown characters stay, so that an error can name them.
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
"""Marks that end a sentence; no word of a command ends with one."""
_STEERING = frozenset(chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""Characters that change the direction of text: a card could then show another reason than the stored one."""


@lru_cache(maxsize=4096)
def plain_char(char: str) -> str:
    """Return the ASCII character for this one; the character itself if the table has none."""
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
    """True for a format character: zero-width, a mark of direction, a soft hyphen."""
    return unicodedata.category(char) == "Cf"


def plain(text: str) -> str:
    """Return the text without hidden characters, each other character mapped by the table."""
    if text.isascii():
        return text
    return "".join(plain_char(char) for char in text if not is_hidden(char))


def plain_word(text: str) -> str:
    """Return a word without the punctuation behind it, and a number without the # before it."""
    word = plain(text)
    word = word.rstrip(_ENDS) or word
    return word[1:] if word[:1] == "#" and word[1:].isdecimal() else word


def named(char: str) -> str:
    """Return a character for a person: itself, its number and its name."""
    name = unicodedata.name(char, "")
    return f'"{char}" (U+{ord(char):04X}{f" {name}" if name else ""})'


def refuse_steering(text: str) -> str:
    """Return the text; raise UserError that names a character in it that changes the direction of text."""
    turning = next((char for char in text if char in _STEERING), "")
    if turning:
        number = f"U+{ord(turning):04X} {unicodedata.name(turning, '')}".strip()
        raise UserError(f"The text holds a hidden character that turns the direction of text ({number}): delete it.")
    return text


def strange(text: str) -> str:
    """Return the first character that no command contains; "" if there is none."""
    return next((char for char in text if not char.isascii() and char.isprintable()), "")

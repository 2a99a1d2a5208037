"""The table by which commands are read: every character, and what never changes."""

import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from bot.chatops.commands.parser import parse
from bot.chatops.commands.registry import COMMANDS
from bot.chatops.commands.tokenizer import tokens
from bot.chatops.commands.unicode_input import is_hidden, plain, plain_char, plain_word

EVERY = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]
KEYS = st.sampled_from(["reason", "Reason", "\uff52eason"])
QUOTES = '"\u201c\u201d\u201e\u201f\uff02\u301d\u301e\u301f\u275d\u275e'
TURNING = "".join(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
KEPT = st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\\<>&|" + QUOTES + TURNING)


def test_every_character_stays_or_becomes_one_of_ascii() -> None:
    changed = {char: plain_char(char) for char in EVERY if plain_char(char) != char}
    assert all(len(other) == 1 and other.isascii() and other.isprintable() for other in changed.values())
    assert not any(char.isascii() for char in changed)
    assert not any(unicodedata.category(char).startswith("L") for char in changed if not _stands_for(char))


def _stands_for(char: str) -> bool:
    """Letters that the table reads: full-width ones, the long vowel signs, the fillers that show nothing."""
    return 0xFF01 <= ord(char) <= 0xFF5E or char in "\u30fc\uff70\u3164\u115f\u1160\uffa0"


def test_full_width_forms_and_dashes_are_normalised() -> None:
    for char in map(chr, range(0xFF01, 0xFF5F)):
        assert plain_char(char) == unicodedata.normalize("NFKC", char)
    assert {plain_char(char) for char in EVERY if unicodedata.category(char) == "Pd"} == {"-"}


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert plain(plain(text)) == plain(text)
    assert plain_word(plain_word(text)) == plain_word(text) or plain_word(text).startswith("#")
    assert not any(map(is_hidden, plain(text)))


@given(st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x20)))
def test_ascii_is_never_changed(text: str) -> None:
    assert plain(text) == text


@given(key=KEYS, value=st.text(KEPT, min_size=1, max_size=80))
def test_a_quoted_reason_comes_back_character_by_character(key: str, value: str) -> None:
    parsed = parse(f'task enable balance prod {key}="{value}"', COMMANDS, clusters=("prod",), default_cluster=None)
    assert parsed.args.model_dump()["reason"] == value


@given(st.text(KEPT, max_size=60))
def test_hidden_characters_between_words_change_nothing(text: str) -> None:
    hidden = "".join(filter(is_hidden, text))
    assert [token.plain for token in tokens(f"st{hidden}at{hidden} {hidden}prod")] == ["stat", "prod"]

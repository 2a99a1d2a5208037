"""Any text after /cm: a command or one sentence; quoted text is kept; parsing is fast."""

import contextlib
import sys

from hypothesis import given
from hypothesis import strategies as st

from bot.chatops.commands.parser import Parsed, is_changing, parse
from bot.chatops.commands.registry import COMMANDS
from bot.chatops.commands.tokenizer import MAX_TEXT, quote, tokens, unescape
from bot.common.errors import UserError

CLUSTERS = ("prod", "test-2")
PIECES = (
    'stat disks disk task enable balance prod help status= status=broken id=1 = " cluster=prod <@U1|x> &amp; “ \u2019 '
    "reason=“a b” limit=9 - \\ TASK ENABLE \u200b"
)
WORDS = st.sampled_from(PIECES.split(" "))
TEXTS = st.one_of(st.text(max_size=200), st.lists(st.one_of(WORDS, st.text(max_size=8)), max_size=8).map(" ".join))


def parsed(text: str) -> Parsed | UserError:
    try:
        return parse(text, COMMANDS, clusters=CLUSTERS, default_cluster="prod")
    except UserError as error:
        return error


@given(TEXTS)
def test_any_text_is_a_command_or_one_bounded_sentence(text: str) -> None:
    outcome = parsed(text)
    if isinstance(outcome, UserError):
        assert 0 < len(str(outcome)) < 1000
        assert "\n" not in str(outcome).replace(text, "")
    else:
        assert outcome.command in COMMANDS
        assert outcome.cluster in (*CLUSTERS, None)


@given(TEXTS)
def test_changing_command_is_recognised_before_parsing(text: str) -> None:
    outcome = parsed(text)
    if isinstance(outcome, Parsed):
        assert is_changing(text) == outcome.command.changes


VISIBLE = st.characters(blacklist_categories=("Cc", "Cf", "Cs"))


@given(st.lists(st.text(VISIBLE, max_size=40), max_size=6))
def test_quoted_words_come_back_as_they_were(words: list[str]) -> None:
    text = " ".join(quote(word) for word in words)
    for plain, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(plain, escaped)
    assert [token.value for token in tokens(text)] == words


@given(st.text(VISIBLE, min_size=1, max_size=100))
def test_a_quoted_value_comes_back_under_its_key(value: str) -> None:
    [token] = tokens("reason=" + quote(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
    assert (token.key, token.value) == ("reason", value)


@given(st.text(max_size=300))
def test_slack_escapes_are_undone(text: str) -> None:
    slack = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert unescape(slack) == text


@given(st.sampled_from(["<", "a=", '"', "“a", "\\", "' ", "&amp;", "a b ", "<a|", "=", "stat "]))
def test_work_grows_no_faster_than_the_text(piece: str) -> None:
    """Four times the text may take four times as long, not sixteen times: counted in steps, not in seconds."""
    assert _steps(piece * 800) < 8 * _steps(piece * 200) + 2000


def _steps(text: str) -> int:
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        with contextlib.suppress(UserError):
            tokens(text[:MAX_TEXT])
    finally:
        sys.setprofile(before)
    return steps

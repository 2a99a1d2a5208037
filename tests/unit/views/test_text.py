"""Text for Slack: nothing from outside gets through, cuts are visible, numbers are honest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.views.text import bar, clip, code, date, escape, plain, pre, size, utc


@given(st.text(max_size=200))
def test_escaped_text_is_one_line_without_markup(text: str) -> None:
    shown = escape(text)
    assert not set("<>\n\r\u202e") & set(shown)
    assert "&" not in shown.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")


@pytest.mark.parametrize("blank", "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u200b\u00ad\U000e0041")
def test_unprintable_characters_are_removed(blank: str) -> None:
    """Two names that look the same are the same."""
    assert escape(f"host{blank}-1") == plain(f"host{blank}-1") == "host-1"


@given(st.text(max_size=200))
def test_plain_text_holds_nothing_that_slack_reads_as_markup(text: str) -> None:
    assert not set("<>\n") & set(plain(text))


@given(st.text(alphabet="a`\n<&", max_size=80))
def test_no_backtick_ends_a_code_block_or_inline_code(text: str) -> None:
    assert pre(text).count("`") == 6
    assert code(text).count("`") == 2


@given(st.text(alphabet="ab\n <>&;|", max_size=300), st.integers(40, 200))
def test_a_cut_text_fits_and_says_that_it_is_cut(text: str, limit: int) -> None:
    shown = clip(text, limit)
    assert len(shown) <= limit
    assert shown == text or "…" in shown


@given(st.lists(st.text(alphabet="ab", max_size=9), min_size=1, max_size=60), st.integers(60, 200))
def test_a_cut_code_block_is_closed(lines: list[str], limit: int) -> None:
    assert clip(pre("\n".join(lines)), limit).count("```") == 2


def test_a_cut_list_counts_the_lines_that_are_left_out() -> None:
    assert clip("\n".join("x" * 10 for _ in range(20)), 80).endswith("\n… and 15 more lines")


def test_a_cut_never_ends_inside_an_entity_or_a_date() -> None:
    for limit in range(20, 60):
        shown = clip("a &amp; b <!date^1700000000^{time}|x> " * 4, limit)
        assert shown.count("<") == shown.count(">")
        assert shown.count("&") == shown.count(";")


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "0 B"),
        (1023, "1,023 B"),
        (1024, "1.0 KiB"),
        (653665763322, "608.8 GiB"),
        (2**40 - 1, "1.0 TiB"),
        (2**60, "1.0 EiB"),
        (2**70, "1,024.0 EiB"),
        (-2048, "-2.0 KiB"),
    ],
)
def test_size_has_a_binary_unit(amount: int, shown: str) -> None:
    assert size(amount) == shown


def test_share_is_drawn_as_a_bar() -> None:
    assert bar(0, 4) == "░░░░"
    assert bar(0.001, 4) == "█░░░"
    assert bar(0.99, 4) == "███░"
    assert bar(7, 4) == "████"
    assert bar(float("nan"), 4) == "░░░░"


def test_times_are_the_readers_own_with_utc_behind() -> None:
    assert date(1_700_000_000.7, "time") == "<!date^1700000000^{time_secs}|2023-11-14 22:13:20 UTC>"
    assert utc(0) == "1970-01-01 00:00:00 UTC"


def test_dates_stay_dates_in_escaped_text_and_become_utc_in_plain_text() -> None:
    text = f"a<b since {date(0, 'minute')}, {date(60)}"
    assert escape(text) == f"a&lt;b since {date(0, 'minute')}, {date(60)}"
    assert plain(text) == "a\u2039b since 1970-01-01 00:00:00 UTC, 1970-01-01 00:01:00 UTC"


@pytest.mark.parametrize(
    "foreign",
    [
        "<!date^0^{date_short_pretty} at {time}|click here>",
        "<!date^0^{date_short_pretty} at {time}^https://evil.example|1970-01-01 00:00:00 UTC>",
        "<!date^0^{date} evil|1970-01-01 00:00:00 UTC>",
        "<!date^99999999999999^{time_secs}|1970-01-01 00:00:00 UTC>",
        "<!date^1^{time_secs}|1970-01-01 00:00:00 UTC>",
        "<!channel>",
    ],
)
def test_foreign_text_that_looks_like_a_date_is_escaped(foreign: str) -> None:
    assert "<" not in escape(foreign)
    assert "<" not in plain(foreign)

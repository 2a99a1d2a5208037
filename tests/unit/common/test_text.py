"""Parts of sentences that many messages share: counts, lists, shares and durations."""

import pytest

from bot.common.text import MAX_LISTED, count, duration, listed, percent


@pytest.mark.parametrize(
    ("number", "conjunction", "text"),
    [
        (0, "and", ""),
        (1, "or", "h0"),
        (2, "or", "h0 or h1"),
        (3, "and", "h0, h1 and h2"),
        (MAX_LISTED, "and", f"{', '.join(f'h{n}' for n in range(MAX_LISTED - 1))} and h{MAX_LISTED - 1}"),
        (MAX_LISTED + 2, "or", f"{', '.join(f'h{n}' for n in range(MAX_LISTED))} and 2 more"),
    ],
)
def test_list_names_the_first_ten_and_counts_the_rest(number: int, conjunction: str, text: str) -> None:
    assert listed([f"h{n}" for n in range(number)], conjunction) == text


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(0, 10, "0 %"), (10, 10, "100 %"), (9999, 10000, "99.9 %"), (1, 100000, "<0.1 %"), (1, 3, "33.3 %"), (1, 0, "-")],
)
def test_shares_are_never_rounded_to_nothing_or_all(part: int, whole: int, shown: str) -> None:
    assert percent(part, whole) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (45.4, "45 s"),
        (60, "1 min"),
        (90, "1 min 30 s"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (-3, "0 s"),
    ],
)
def test_duration_has_its_two_largest_units(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_count_takes_the_plural_unless_one() -> None:
    assert count(1, "disk") == "1 disk"
    assert count(1200, "entry", "entries") == "1,200 entries"

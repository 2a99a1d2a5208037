"""Texts that several messages share: lists of names."""

import pytest

from bot.common.text import MAX_LISTED, listed


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

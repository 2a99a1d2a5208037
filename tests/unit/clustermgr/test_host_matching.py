"""The same host in other words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clustermgr.host_matching import alike, meant


@pytest.mark.parametrize(
    "typed",
    [
        "http://10.0.0.7:8899",
        "http://10.0.0.7:8899/",
        "10.0.0.7:8899",
        "10.0.0.7",
        "10.0.0.7/",
        "HTTP://10.0.0.7:8899",
        "https://10.0.0.7:8899/disk",
    ],
)
def test_one_host_is_found_however_it_is_written(typed: str) -> None:
    assert alike("http://10.0.0.7:8899", typed)
    assert alike("10.0.0.7:8899", typed)


@pytest.mark.parametrize(
    ("known", "typed"),
    [
        ("http://[fd00::2]:8899", "[fd00:0::2]:8899"),
        ("http://[fd00::2]:8899", "fd00::2"),
        ("http://Node.Example:8899", "node.example."),
    ],
)
def test_other_forms_of_a_name_are_the_same_host(known: str, typed: str) -> None:
    assert alike(known, typed)


@pytest.mark.parametrize(
    "typed", ["", "/", "http://", "10.0.0.70", "10.0.0", "10.0.0.7:889", "10.0.0.8:8899", "8899", ":8899", "[fd00::2"]
)
def test_another_host_is_not_found(typed: str) -> None:
    assert not alike("http://10.0.0.7:8899", typed)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_two_texts_are_compared_without_an_error(known: str, typed: str) -> None:
    assert alike(known, typed) in {True, False}
    assert set(meant([known, known], typed)) <= {known}

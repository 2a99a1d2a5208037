"""Addresses are compared as what they mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.common.addresses import place, same_place

SAME = [
    ("[fd00::2]:10110", "[fd00:0::2]:10110"),
    ("[fd00::2]:10110", "[FD00:0:0:0:0:0:0:2]:10110"),
    ("[::ffff:10.0.0.4]:9998", "10.0.0.4:9998"),
    ("[::ffff:a00:4]:9998", "10.0.0.4:9998"),
    ("[fe80::1%eth0]:9998", "[fe80:0::1%25ETH0]:9998"),
    ("cm4.example.com.:9998", "CM4.Example.com:9998"),
    ("10.0.0.4:09998", "10.0.0.4:9998"),
    ("http://10.0.0.4:9998/", "10.0.0.4:9998"),
    ("https://cm4:9998", "cm4:9998"),
    ("http://cm4", "cm4:80"),
    ("https://[fd00::4]", "[fd00::4]:443"),
    (" cm4:9998 ", "cm4:9998"),
    ("fd00::2", "[fd00:0::2]"),
]
DIFFERENT = [
    ("10.0.0.4:9998", "10.0.0.4:9999"),
    ("[fd00::2]:10110", "[fd00::3]:10110"),
    ("[fe80::1%eth0]:9998", "[fe80::1%eth1]:9998"),
    ("cm4:9998", "cm5:9998"),
    ("cm4:9998", "cm4.example.com:9998"),
    ("cm4:9998", "cm4"),
    ("", ""),
    ("", "cm4:9998"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_of_one_address_are_the_same_place(one: str, other: str) -> None:
    assert same_place(one, other)
    assert same_place(other, one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_addresses_are_different_places(one: str, other: str) -> None:
    assert not same_place(one, other)


@given(st.text(max_size=40) | st.from_regex(r"\[?[0-9a-f:.%]*\]?:[0-9]{1,20}", fullmatch=True))
def test_canonical_form_of_any_text_stays_as_it_is(text: str) -> None:
    assert place(place(text)) == place(text)

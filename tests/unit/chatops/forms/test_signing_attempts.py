"""The key of a form that is sent again after a refusal, and what earlier releases can read of its metadata."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chatops.forms.signing import Origin, attempts_of, key_of, sign, verify

KEY = key_of("xoxb-1")


@given(st.integers(min_value=0, max_value=1000))
def test_each_attempt_has_its_own_key(attempt: int) -> None:
    key = Origin("U1", attempt=attempt).key("V0ABC")
    assert attempts_of(key) == attempt
    assert key.startswith("form:V0ABC")


@pytest.mark.parametrize("key", ["", "form:", "form:V1", "form:V1:x", "1.2.abc"])
def test_other_keys_are_a_first_attempt(key: str) -> None:
    assert attempts_of(key) == 0


def test_a_first_attempt_is_signed_as_earlier_releases_read_it() -> None:
    sealed = sign(Origin("U1", "C1", "", "task disable", "prod"), KEY)
    assert set(json.loads(sealed.split(".", 2)[2])) == {"user", "channel", "answer_to", "kind", "cluster"}
    again = Origin("U1", "C1", "", "", "prod", attempt=2, reason="Alert #3")
    assert verify(sign(again, KEY), KEY, "U1") == again

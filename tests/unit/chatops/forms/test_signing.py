"""What a form carries of itself cannot be made, altered or handed on by anybody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chatops.forms.signing import MAX_SEALED, Origin, fitting, key_of, sign, verify
from bot.common.errors import UserError

KEY = key_of("xoxb-1")
ORIGIN = Origin("U1", "C1", "https://hooks.slack.com/1", "task disable", "prod")
TEXTS = st.text(st.characters(exclude_categories=()), max_size=60)


def test_signed_origin_is_verified_unchanged() -> None:
    assert verify(sign(ORIGIN, KEY), KEY, "U1") == ORIGIN


@pytest.mark.parametrize("user", ["U2", ""])
def test_form_of_another_person_is_refused(user: str) -> None:
    with pytest.raises(UserError, match="open a new one"):
        verify(sign(ORIGIN, KEY), KEY, user)


def test_another_token_makes_another_seal() -> None:
    with pytest.raises(UserError):
        verify(sign(ORIGIN, KEY), key_of("xoxb-2"), "U1")


@given(place=st.integers(0, 200), char=st.characters(exclude_categories=()))
def test_no_altered_character_is_accepted(place: int, char: str) -> None:
    good = sign(ORIGIN, KEY)
    place %= len(good)
    bad = good[:place] + char + good[place + 1 :]
    if bad != good:
        with pytest.raises(UserError):
            verify(bad, KEY, "U1")


@given(TEXTS)
def test_any_other_text_is_refused(text: str) -> None:
    for sealed in (text, f"1.{text}", f"1.{text}.{text}"):
        with pytest.raises(UserError):
            verify(sealed, KEY, "U1")


def test_address_too_long_for_slack_is_omitted() -> None:
    long = Origin("U1", "C1", "https://hooks.slack.com/" + "x" * MAX_SEALED)
    sealed = sign(long, KEY)
    assert len(sealed) <= MAX_SEALED
    assert verify(sealed, KEY, "U1") == Origin("U1", "C1")


@pytest.mark.parametrize(("char", "kept"), [("x", 2700), ("盘", 2700), ("\N{OPTICAL DISC}", 1350), ("\x01", 450)])
def test_what_was_given_counts_as_slack_counts_it(char: str, kept: int) -> None:
    """Not the six characters by which JSON in ASCII stands for one of another script."""
    origin = Origin("U1", "C1", "https://hooks.slack.com/1", "silence", given={"reason": char * kept})
    sealed = sign(origin, KEY)
    assert len(sealed.encode("utf-16-le")) // 2 <= MAX_SEALED
    assert verify(sealed, KEY, "U1") == fitting(origin) == origin
    longer = Origin("U1", given={"reason": char * (kept + 300)})
    assert fitting(longer) == verify(sign(longer, KEY), KEY, "U1") == Origin("U1")


def test_metadata_is_ascii_where_that_fits() -> None:
    """Slack hands it back unchanged."""
    assert sign(Origin("U1", given={"reason": "盘" * 300}), KEY).isascii()


def test_what_was_given_is_kept_unless_it_is_too_long_for_slack() -> None:
    kept = Origin("U1", "C1", "https://hooks.slack.com/1", "silence", given={"rule": "disk_broken", "for": "4h"})
    assert verify(sign(kept, KEY), KEY, "U1") == kept
    long = Origin("U1", "C1", "https://hooks.slack.com/1", "silence", given={"reason": "x" * MAX_SEALED})
    sealed = sign(long, KEY)
    assert len(sealed) <= MAX_SEALED
    assert verify(sealed, KEY, "U1") == Origin("U1", "C1", "https://hooks.slack.com/1", "silence")

"""The JSON form of stored values."""

import json
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.store.column_types import clean, encode

TEXT = st.text(st.characters(), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2**64) | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_stored_text_has_nothing_that_a_database_refuses(value: Any) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    text = encode(value)
    text.encode("utf-8")
    assert "\x00" not in "".join(_texts(json.loads(text, parse_constant=refuse)))


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in parts for text in _texts(part)]


@given(st.dictionaries(st.text("ab", max_size=2), st.integers() | st.text("xyz\\u0 ")))
def test_ordinary_values_round_trip_and_equal_values_have_equal_texts(value: dict[str, Any]) -> None:
    assert json.loads(encode(value)) == value
    assert encode(dict(reversed(value.items()))) == encode(value)


@given(TEXT)
def test_cleaning_is_idempotent(text: str) -> None:
    assert clean(clean(text)) == clean(text)


def test_read_only_mappings_are_stored_and_other_objects_refused() -> None:
    assert encode({"a": MappingProxyType({"b": (1, 2)})}) == '{"a":{"b":[1,2]}}'
    with pytest.raises(TypeError, match="object has no JSON form"):
        encode({"a": object()})

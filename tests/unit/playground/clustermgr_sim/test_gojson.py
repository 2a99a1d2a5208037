"""JSON as Go reads and writes it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.playground.clustermgr_sim.args import ADD_MEMBER, CONFIG_SET, DISK_LIST, ArgumentError, from_body, from_query
from bot.playground.clustermgr_sim.gojson import GoJsonError, dumps, parse

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "unexpected end of JSON input"),
        ('{"key":"a', "unexpected end of JSON input"),
        ("x", "invalid character 'x' looking for beginning of value"),
        ("'", r"invalid character '\'' looking for beginning of value"),
        ("{1", "invalid character '1' looking for beginning of object key string"),
        ('{"a"1', "invalid character '1' after object key"),
        ('{"a":1 2', "invalid character '2' after object key:value pair"),
        ("[1 2", "invalid character '2' after array element"),
        ("tru3", "invalid character '3' in literal true (expecting 'e')"),
        ("-x", "invalid character 'x' in numeric literal"),
        ('"\t"', r"invalid character '\t' in string literal"),
        (r'"\x"', "invalid character 'x' in string escape code"),
        (r'"\u12x4"', r"invalid character 'x' in \u hexadecimal character escape"),
        ("{} x", "invalid character 'x' after top-level value"),
        ("[" * 5000, "exceeded max depth"),
    ],
)
def test_a_syntax_error_has_the_words_of_encoding_json(text: str, words: str) -> None:
    with pytest.raises(GoJsonError) as caught:
        parse(text.encode())
    assert str(caught.value) == words


@settings(deadline=None)
@given(JSON_VALUES)
def test_json_is_read_and_written_back_as_the_same_value(value: Any) -> None:
    parse(json.dumps(value).encode())
    assert json.loads(dumps(value)) == value
    assert not set("<>&") & set(dumps(value))


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_refused_in_words_or_read(body: bytes) -> None:
    try:
        args = from_body(ADD_MEMBER, body)
    except ArgumentError as error:
        assert str(error)  # noqa: PT017 (either outcome is right; only another exception is not)
    else:
        assert set(args) == {"peer_id", "host", "member_type", "node_host"}


def test_the_last_of_two_equal_fields_wins_in_any_case() -> None:
    assert from_body(CONFIG_SET, b'{"key":"a","KEY":"b","x":[1,{"y":2}]}') == {"key": "b", "value": ""}


def test_a_number_of_thousands_of_digits_is_out_of_range() -> None:
    with pytest.raises(ArgumentError, match="cannot unmarshal number 9999"):
        from_body(ADD_MEMBER, b'{"peer_id":' + b"9" * 6000 + b"}")
    with pytest.raises(ArgumentError, match="value out of range"):
        from_query(DISK_LIST, "marker=" + "9" * 6000)

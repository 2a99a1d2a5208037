"""Errors of the settings as text: one line with the key, the value and the fix. No I/O."""

import datetime as dt
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import yaml
from pydantic_core import ErrorDetails

from bot.common.secret_signs import HIDDEN, given, may_be_secret, named
from bot.config.setting_keys import is_duration, known_keys, may_hold_secret

_SHOWN = 80
_KEY_END = re.compile(r"[ :]")
_LISTS = frozenset({"tuple_type", "list_type", "set_type", "frozen_set_type", "iterable_type"})
_MAPPINGS = frozenset({"dict_type", "mapping_type"})
_TEXTS = frozenset({"string_type", "string_unicode", "path_type"})
_INTEGERS = frozenset({"int_type", "int_parsing", "int_from_float", "int_parsing_size"})
_NUMBERS = frozenset({"float_type", "float_parsing", "finite_number"})
_BOOLEANS = frozenset({"bool_type", "bool_parsing"})
_LEAST, _MOST = ("greater_than_equal", "greater_than"), ("less_than_equal", "less_than")
_YAML: tuple[tuple[str, str], ...] = (
    ("could not find expected ':'", 'a colon is missing: write "key: value"'),
    (
        "mapping values are not allowed",
        'there is a colon too many, or none in the line before: write "key: value", one per line',
    ),
    ("cannot start any token", "put values with @, ` or a tab into quotes, and indent with spaces"),
    ("expected <block end>", "the indentation does not fit: keys of one section begin in one column"),
    ("expected ',' or '}'", "a comma or the closing } is missing"),
    ("expected ',' or ']'", "a comma or the closing ] is missing"),
    ("expected the node content", "a value is missing, or a bracket is not closed"),
    ("found unexpected end of stream", "a quote is not closed"),
    ("while scanning a quoted", "a quote is not closed"),
    ("found unknown escape character", "put the value into single quotes: \\ means something in double ones"),
    ("found another document", "there is a second document: remove the line ---"),
    ("undefined alias", "put a value that begins with * into quotes"),
    ("special characters are not allowed", "the file has bytes that are not text: save it as plain UTF-8"),
    ("could not determine a constructor", "a tag (!…) is not supported: remove it, or put the value into quotes"),
    ("found unhashable key", "a key must be a single word"),
)
"""A part of the error of PyYAML, and the text that replaces it."""


def yaml_words(error: yaml.YAMLError) -> str:
    """Return the error in the YAML and its place."""
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    words = next((ours for part, ours in _YAML if part in said), said.split("\n")[0])
    return f"{words} (line {mark.line + 1}, column {mark.column + 1})" if mark else words


def not_settings(data: object) -> str:
    """Return the error of YAML without a mapping at the top."""
    if isinstance(data, str):
        begin = "" if may_be_secret(data) else f" The text begins {data!r:.40}."
        return f'The settings are plain text, so a colon is missing: begin with "clusters:".{begin}'
    return "The settings are empty: copy config.example.yaml and name your clusters in it."


def problems(items: Sequence[ErrorDetails], data: object) -> list[str]:
    """Return one line for each error of pydantic, without those that only follow from another."""
    return [_problem(item, data) for item in _independent(items)]


def _independent(items: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Drop "too short" for a list with wrong items, and "missing" for a key that only lacks its colon."""
    uncoloned = {(*item["loc"][:-1], key) for item in items if (key := _without_colon(item))}
    return [
        item
        for item in items
        if not (item["type"] == "missing" and item["loc"] in uncoloned)
        and (
            item["type"] != "too_short"
            or not any(other is not item and other["loc"][: len(item["loc"])] == item["loc"] for other in items)
        )
    ]


def _without_colon(item: ErrorDetails) -> str:
    """Return the known key at the start of an unknown one, as in `name prod` or `{name:prod}`, else ""."""
    if item["type"] != "extra_forbidden":
        return ""
    first, *rest = _KEY_END.split(str(item["loc"][-1]), maxsplit=1)
    return first if rest and first in known_keys(item["loc"][:-1]) else ""


def _problem(item: ErrorDetails, data: object) -> str:
    place = tuple(part for part in item["loc"] if part != "[key]")
    labels = [_label(part, place[:index], data) for index, part in enumerate(place)]
    path = ".".join(labels)
    kind, last = item["type"], str(place[-1]) if place else ""
    if kind == "extra_forbidden":
        # Never show the value: it may be a misplaced secret.
        if key := _without_colon(item):
            missing = "a blank is missing after the colon" if f"{key}:" in last else "a colon is missing"
            return f'{".".join((*labels[:-1], key))}: {missing}: write "{key}: value"'
        near = get_close_matches(str(place[-1]), known_keys(place[:-1]), n=1)
        hint = f"did you mean {near[0]}?" if near else "look for a typo, or see docs/configuration.md"
        return f"{path}: no such setting; {hint}"
    if kind == "model_type":
        return f"{path or 'settings'}: write keys and values below it; see docs/configuration.md"
    if last.endswith("_env"):
        # Never show the value: it may be the secret.
        return f"{path}: write the name of the environment variable that holds the secret, such as CMBOT_TOKEN_PROD"
    return f"{path or 'settings'}{_given(place, data)}: {_words(item, place, _dig(place, data))}"


def _words(item: ErrorDetails, place: tuple[str | int, ...], value: object) -> str:
    kind = item["type"]
    if kind == "missing":
        return "is required; see config.example.yaml"
    if value is None and kind != "value_error":
        return "is empty: write a value, or remove the key"
    if "[key]" in item["loc"]:
        return f"no such key; write {_expected(item)}"
    if kind in _TEXTS:
        return "write text: put the value into quotes"
    if kind in _LISTS:
        return f"write a list, as in {place[-1]}: [{_plain(place, value)}]"
    by_kind = {
        _MAPPINGS: "write keys and values below it; see docs/configuration.md",
        _INTEGERS: "write a whole number, as in 3",
        _NUMBERS: "write a number, as in 1.5",
        _BOOLEANS: "write true or false",
    }
    return next((words for kinds, words in by_kind.items() if kind in kinds), "") or _bounds(item, place)


def _bounds(item: ErrorDetails, place: tuple[str | int, ...]) -> str:
    kind, limits = item["type"], item.get("ctx", {})
    unit = " s" if is_duration(place) else ""
    if kind in {*_LEAST, *_MOST}:
        return f"write at {'least' if kind in _LEAST else 'most'} {next(iter(limits.values())):g}{unit}"
    if kind in {"too_short", "too_long"}:
        bound = limits["min_length"] if kind == "too_short" else limits["max_length"]
        return f"write at {'least' if kind == 'too_short' else 'most'} {bound} of them"
    if kind == "literal_error":
        return f"write {_expected(item)}"
    if kind == "value_error":
        return str(item["msg"]).removeprefix("Value error, ")
    return "is not a value that this key takes; see docs/configuration.md"


def _expected(item: ErrorDetails) -> str:
    return str(item.get("ctx", {}).get("expected", "one of the keys in docs/configuration.md"))


def _label(part: str | int, before: tuple[str | int, ...], data: object) -> str:
    held = _dig(before, data)
    if isinstance(part, int) and isinstance(held, list) and part < len(held) and isinstance(held[part], dict):
        return named(held[part].get("name", part))
    return named(part)


def _given(loc: tuple[str | int, ...], data: object) -> str:
    value = _dig(loc, data)
    if isinstance(value, bool):
        # YAML also reads yes, no, on and off as booleans.
        return f" = {str(value).lower()}"
    if isinstance(value, list | tuple) and not value:
        return " = []"
    if not isinstance(value, str | int | float | dt.date):
        return ""
    if may_hold_secret(loc):
        return f" ({HIDDEN})"
    return f" = {value.isoformat()}" if isinstance(value, dt.date) else given(value, _SHOWN)


def _plain(place: tuple[str | int, ...], value: object) -> str:
    known = isinstance(value, str | int | float) and not may_hold_secret(place) and not may_be_secret(str(value))
    return f'"{value}"'[:_SHOWN] if known else "a, b"


def _dig(loc: tuple[str | int, ...], data: Any) -> object:
    for part in loc:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data

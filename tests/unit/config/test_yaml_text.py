"""YAML is read with libyaml if it is there, and means the same with and without it."""

from collections.abc import Callable
from functools import partial

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from bot.config import yaml_text
from bot.config.yaml_text import read_yaml

# PyYAML writes this line break so that it reads a space.
_CHARACTERS = st.characters(exclude_characters="\x85")
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(_CHARACTERS, max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(_CHARACTERS, max_size=8), inner, max_size=3),
    max_leaves=12,
)

_TEXTS = (
    "",
    "a: 1\r\nb: [x:y, {c: 'd'}]",
    "a: 010\nb: 1:30\nc: yes\nd: ~\ne: 1e3\nf: .inf",
    "\ufeffa: \U0001f600",
    "a: 1\x85b: 'x\u2028y'",
    "a: &x [1]\nb: *x",
)
_REFUSED = (
    ("a: 1\na: 2", "the key 'a' is given twice"),
    ("a: 1\n---\nb: 2", "found another document"),
    ("a: 2024-99-99", "put it into quotes"),
    ("a: !!python/object:os.system x", "could not determine a constructor"),
    ("a:\n\tb: 1", r"found character '\\t' that cannot start any token"),
    ("a: 1" + ":1" * 200 + ".0", "put it into quotes"),
    ("a: %b", "found character '%' that cannot start any token"),
    ("a: !%ED%A0%80 x", "can't decode"),
    ("[!!str, b]", "could not determine a constructor"),
    ("{a: b?c}", "expected ',' or '}'"),
    ("a:\tb", "cannot start any token"),
    ('a: "\\U00110000"', "does not exist"),
    ('a: "\\UFFFFFFFF"', "does not exist"),
    ("a: \0", "special characters are not allowed"),
    ("a: \ud800", "special characters are not allowed"),
)


@pytest.fixture(params=["libyaml", "python"])
def _library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read with libyaml, if PyYAML has it, or without it."""
    if request.param == "libyaml":
        _need_libyaml()
    else:
        monkeypatch.setattr(yaml, "__with_libyaml__", False)


def _need_libyaml() -> None:
    if not yaml.__with_libyaml__:
        pytest.skip("PyYAML was built without libyaml")


def test_plain_text_is_read_with_libyaml_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    _need_libyaml()
    monkeypatch.delattr(yaml_text, "_Loader")
    assert read_yaml("clusters: [{name: prod, hosts: ['http://h:1']}]  # ü") == {
        "clusters": [{"name": "prod", "hosts": ["http://h:1"]}]
    }


@given(_VALUES)
def test_what_was_written_is_read(value: object) -> None:
    assert read_yaml(yaml.safe_dump(value, allow_unicode=True)) == value


@pytest.mark.parametrize("text", _TEXTS)
def test_both_libraries_read_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = read_yaml(text)
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert read_yaml(text) == fast


@given(st.text("ab1.:-,[]{}#&*|>'\"\\ \n\x85\u2028\ufeff~", max_size=40))
@example("a: [b, {c: d}]\n")
def test_both_libraries_take_the_same_texts(text: str) -> None:
    assert _outcome(read_yaml, text) == _outcome(partial(yaml.load, Loader=yaml_text._Loader), text)


def _outcome(read: Callable[[str], object], text: str) -> str:
    """What was read, or the kind of the error; a value that is not a number differs from itself."""
    try:
        return repr(read(text))
    except (yaml.YAMLError, RecursionError) as error:
        return type(error).__name__


@pytest.mark.usefixtures("_library")
@pytest.mark.parametrize(("text", "why"), _REFUSED)
def test_what_is_refused_is_said_in_the_same_words(text: str, why: str) -> None:
    with pytest.raises(yaml.YAMLError, match=why):
        read_yaml(text)


@pytest.mark.usefixtures("_library")
@pytest.mark.parametrize("text", ["[" * 1_000_000, "{a: " * 1000, "- " * 400_000, "? " * 1000])
def test_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(RecursionError):
        read_yaml(text)

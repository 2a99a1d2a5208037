"""What is wrong with one setting, in one line: the key, the value, what to write. No I/O."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from bot.config.model import known_keys

_SECRET = re.compile(r"\bx(?:ox[a-z]|app|wfp)[.-]|://[^/\s]*@|://[^\s:]*:[^\s]*@")
"""What a written value may give away: one of Slack's tokens, or the log-in in an address."""
_SECTION = "takes settings of its own; see docs/configuration.md"
_WORDS: Mapping[str, str] = {
    "tuple_type": "write a list, as in [a, b]",
    "list_type": "write a list, as in [a, b]",
    "mapping_type": "write key: value pairs",
    "dict_type": "write key: value pairs",
    "model_type": _SECTION,
    "model_attributes_type": _SECTION,
    "string_type": "write text; put it into quotes, since YAML reads yes, no, on, off and numbers as something else",
    "int_type": "write a whole number",
    "int_parsing": "write a whole number",
    "int_from_float": "write a whole number",
    "float_type": "write a number",
    "float_parsing": "write a number",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "path_type": "write a path",
    "finite_number": "write a finite number",
    "missing": "is required; see config.example.yaml",
}
"""By the kind of error (pydantic's names): what to write."""
_DURATIONS = frozenset(
    {"poll_interval", "answer_deadline", "lease", "expires_after", "verify_within", "within", "every"}
)
_NAME = "write lower-case letters, digits and hyphens, as in prod-eu, at most 40"


def problem(item: Any, data: Mapping[str, Any]) -> str:
    """One line for one of pydantic's errors."""
    loc: tuple[str | int, ...] = tuple(part for part in item["loc"] if part != "[key]")
    path = ".".join(_label(part, loc[:index], data) for index, part in enumerate(loc))
    return f"{path or 'settings'}{_shown(item, loc, data)}: {_words(item, loc, _dig(loc, data))}"


def _words(item: Any, loc: tuple[str | int, ...], value: object) -> str:
    """What to write instead."""
    kind, last, context = item["type"], str(loc[-1]) if loc else "", item.get("ctx", {})
    words = _WORDS.get(kind) or str(item["msg"]).removeprefix("Value error, ")
    if last == "token_env":
        # Its value is not shown: it may be taken for the place of the secret itself.
        words = "write the name of an environment variable, such as CMBOT_TOKEN_PROD; it holds the secret"
    elif kind == "extra_forbidden":
        near = get_close_matches(last, known_keys(loc[:-1]), n=1)
        words = f"no such setting; did you mean {near[0]}?" if near else _UNKNOWN
    elif kind in {"literal_error", "enum"}:
        words = _choice(last if "[key]" in item["loc"] else str(value), str(context.get("expected", "")))
    elif kind == "tuple_type" and isinstance(value, str):
        words = "write a list, as in [the value]"
    elif kind == "too_short":
        words = f"is empty; name at least {context.get('min_length', 1)}"
    elif kind == "too_long":
        words = f"has too many; at most {context.get('max_length', '')}"
    elif kind in {"string_pattern_mismatch", "string_too_long"} and (last == "name" or "clusters" in loc[-2:]):
        words = _NAME
    return _bound(kind, last, context) or words


_UNKNOWN = "no such setting; look for a typo, or see docs/configuration.md"


def _choice(written: str, expected: str) -> str:
    allowed = re.findall(r"'([^']*)'", expected)
    near = get_close_matches(written, allowed, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}write one of {', '.join(allowed)}"


def _bound(kind: str, last: str, context: Mapping[str, Any]) -> str:
    words = {
        "greater_than_equal": ("at least", "ge"),
        "greater_than": ("more than", "gt"),
        "less_than_equal": ("at most", "le"),
        "less_than": ("less than", "lt"),
    }
    if kind not in words:
        return ""
    least, key = words[kind]
    limit = float(context[key])
    lasts = last in _DURATIONS or last.endswith(("_after", "samples")) or limit >= _DAY
    return f"write {least} {_span(limit) if lasts else f'{limit:g}'}"


_DAY = 86400.0


def _span(seconds: float) -> str:
    for unit, length in (("d", _DAY), ("h", 3600.0), ("m", 60.0)):
        if seconds >= length and not seconds % length:
            return f"{seconds / length:g}{unit}"
    return f"{seconds:g}s"


def _shown(item: Any, loc: tuple[str | int, ...], data: Mapping[str, Any]) -> str:
    if item["type"] in {"extra_forbidden", "model_type"} or loc[-1:] == ("token_env",) or "[key]" in item["loc"]:
        # What was misplaced here may be a secret.
        return ""
    value = _dig(loc, data)
    if isinstance(value, str) and _SECRET.search(value):
        return " (not shown: it may hold a secret)"
    return f" = {value!r:.80}" if isinstance(value, str | int | float) else " = []" if value == [] else ""


def _label(part: str | int, before: tuple[str | int, ...], data: Mapping[str, Any]) -> str:
    held = _dig(before, data)
    if isinstance(part, int) and isinstance(held, list) and part < len(held) and isinstance(held[part], dict):
        return str(held[part].get("name", part))
    return str(part)


def _dig(loc: tuple[str | int, ...], data: Any) -> Any:
    for part in loc:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data

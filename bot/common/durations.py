"""Spans of time as people write them, in commands and in settings: `30m`, `2h30m`, `1.5h`, `1w`, `250ms`. Pure."""

import re

EXPECTED = "a time such as 30m, 2h30m, 7d or 1w"
"""What is said wherever a span is expected and something else was written."""
MAX_SPAN = 30
"""Characters of a span that is typed."""
_UNITS = {"w": 7 * 86400.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_WORDS = {
    "w": "weeks|week|w",
    "d": "days|day|d",
    "h": "hours|hour|hrs|hr|h",
    "m": "minutes|minute|mins|min|m",
    "s": "seconds|second|secs|sec|s",
    "ms": "milliseconds|millisecond|ms",
}
_DIGITS = {"w": 4, "d": 4, "h": 5, "m": 7, "s": 9, "ms": 12}
_WHOLE = re.compile(
    r"\s*".join(rf"(?:(\d{{1,{_DIGITS[unit]}}}(?:\.\d{{1,6}})?)\s*(?:{words}))?" for unit, words in _WORDS.items()),
    re.ASCII,
)
"""Each unit at most once, the largest first."""
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,12})?", re.ASCII)


def seconds_of(span: str) -> float:
    """The seconds of `30m`, `2h30m`, `1w`; raises ValueError that says what is expected."""
    found = _WHOLE.fullmatch(span.strip().lower())
    if found is None or not any(found.groups()):
        raise ValueError(EXPECTED)
    return sum(float(number) * _UNITS[unit] for number, unit in zip(found.groups(), _WORDS, strict=True) if number)


def seconds_in_settings(value: object) -> float:
    """The seconds of a value in the settings: a span, or a number of seconds; raises ValueError that says so."""
    written = "" if isinstance(value, bool) else str(value).strip()
    if _NUMBER.fullmatch(written):
        return float(written)
    try:
        return seconds_of(written)
    except ValueError as error:
        raise ValueError(f"write {EXPECTED}, or a number of seconds") from error

"""Durations as people write them in commands and settings: `30m`, `2h30m`, `1.5h`, `1w`, `250ms`. No I/O."""

import re

EXPECTED = "a time such as 30m, 2h30m, 7d or 1w"
"""The expected form, for the error about a wrong duration."""
MAX_SPAN = 30
"""Maximum characters of a typed duration."""
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
    """Return the seconds of `30m`, `2h30m`, `1w`; raise ValueError with the expected form."""
    found = _WHOLE.fullmatch(span.strip().lower())
    if found is None or not any(found.groups()):
        raise ValueError(EXPECTED)
    return sum(float(number) * _UNITS[unit] for number, unit in zip(found.groups(), _WORDS, strict=True) if number)


def seconds_in_settings(value: object) -> float:
    """Return the seconds of a setting: a duration or a number of seconds; raise ValueError with both forms."""
    written = "" if isinstance(value, bool) else str(value).strip()
    if _NUMBER.fullmatch(written):
        return float(written)
    try:
        return seconds_of(written)
    except ValueError as error:
        raise ValueError(f"write {EXPECTED}, or a number of seconds") from error

"""Spans of time as people type them: `30m`, `2h30m`, `1.5h`, `1w`. Pure."""

import re

EXPECTED = "a time such as 30m, 2h30m, 7d or 1w"
MAX_SPAN = 30
"""Characters of a span that is typed."""
_UNITS = {"w": 7 * 86400.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_WORDS = {
    "w": "weeks|week|w",
    "d": "days|day|d",
    "h": "hours|hour|hrs|hr|h",
    "m": "minutes|minute|mins|min|m",
    "s": "seconds|second|secs|sec|s",
}
_NUMBER = r"(\d{1,4}(?:\.\d{1,3})?)"
_WHOLE = re.compile(r"\s*".join(f"(?:{_NUMBER}\\s*(?:{words}))?" for words in _WORDS.values()), re.ASCII)
"""Each unit at most once, the largest first."""


def seconds_of(span: str) -> float:
    """The seconds of `30m`, `2h30m`, `1w`; raises ValueError that says what is expected."""
    found = _WHOLE.fullmatch(span.strip().lower())
    if found is None or not any(found.groups()):
        raise ValueError(EXPECTED)
    return sum(float(number) * _UNITS[unit] for number, unit in zip(found.groups(), _WORDS, strict=True) if number)

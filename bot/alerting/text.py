"""Plain words for numbers, lists and raw text of a cluster, as sentences of the watch use them."""

import re
from collections.abc import Sequence

_JUNK = re.compile(r"[\s\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def plain(text: str, limit: int = 120) -> str:
    """Raw foreign text on one line and bounded; it is not escaped: views do that."""
    # Cut first: a megabyte from a hostile host must not be worked through at each tick.
    flat = _JUNK.sub(" ", text[: limit * 4]).strip()
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + "…"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 disk`, `3 disks`, `1,200 entries`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(items: Sequence[str], *, most: int = 5) -> str:
    """`a`, `a and b`, `a, b and c`, and no more than `most` of them by name."""
    if len(items) > most:
        return f"{', '.join(items[:most])} and {len(items) - most:,} more"
    return " and ".join(items) if len(items) <= 2 else f"{', '.join(items[:-1])} and {items[-1]}"  # noqa: PLR2004 - two


def span(seconds: float) -> str:
    """A duration in its two largest units: `45 s`, `3 min`, `2 h 5 min`, `1 d 4 h`."""
    whole = max(0, int(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    large, small, names = (whole // _HOUR, whole % _HOUR // _MINUTE, ("h", "min"))
    if whole >= _DAY:
        large, small, names = (whole // _DAY, whole % _DAY // _HOUR, ("d", "h"))
    return f"{large} {names[0]} {small} {names[1]}" if small else f"{large} {names[0]}"


def percent(part: float, whole: float) -> str:
    """`12 %`, with a decimal below ten; `0 %` of nothing."""
    share = 100 * part / whole if whole else 0.0
    return f"{share:.1f} %" if 0 < share < 10 else f"{share:.0f} %"  # noqa: PLR2004 - one digit before the point

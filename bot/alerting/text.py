"""Raw text of a cluster, made safe to keep. No I/O."""

import re

_JUNK = re.compile(r"[\s\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")


def one_line(text: str, limit: int = 120) -> str:
    """Raw foreign text on one line and bounded, to keep in a fact; it is not escaped: `plain` of views does that."""
    # Cut first: a megabyte from a hostile host must not be worked through at each tick.
    flat = _JUNK.sub(" ", text[: limit * 4]).strip()
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + "…"

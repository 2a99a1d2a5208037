"""The sentences' small parts: a person's own words quoted back, the nearest known word, a list that ends. Pure."""

import difflib
from collections.abc import Iterable, Sequence

MAX_SHOWN = 48
"""Characters of a person's own words that a sentence quotes back."""
MAX_LISTED = 10
"""Names that one sentence lists at most."""


def shown(text: str) -> str:
    """A person's own words as a sentence quotes them: bounded, in quotes."""
    return f'"{text}"' if len(text) <= MAX_SHOWN else f'"{text[:MAX_SHOWN]}…" ({len(text):,} characters)'


def nearest(given: str, known: Iterable[str]) -> str:
    """The known word nearest to a mistyped one, or ""."""
    near = difflib.get_close_matches(given[:MAX_SHOWN].lower(), tuple(known), n=1, cutoff=0.6)
    return near[0] if near else ""


def suggestion(given: str, known: Iterable[str], form: str = "{}") -> str:
    """` Did you mean …?` with the nearest known word put into `form`, or ""."""
    near = nearest(given, known)
    return f" Did you mean {form.format(near)}?" if near else ""


def listed(names: Sequence[str], conjunction: str = "") -> str:
    """Names in a sentence, the first ten and how many more."""
    if len(names) > MAX_LISTED:
        return f"{', '.join(names[:MAX_LISTED])} and {len(names) - MAX_LISTED} more"
    if conjunction and len(names) > 1:
        return f"{', '.join(names[:-1])} {conjunction} {names[-1]}"
    return ", ".join(names)

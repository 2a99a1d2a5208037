"""Small phrases that several checks share: numbers with their noun, lists of peers and hosts."""

from collections.abc import Iterable


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 voter", "3 voters"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(items: Iterable[object], last: str = "and") -> str:
    """Items as a phrase: "1, 2 and 3"."""
    words = [str(item) for item in items]
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def peers(ids: Iterable[int], last: str = "and") -> str:
    """Peers as a phrase: "peer 1", "peers 1 and 2"; with `last="or"` "peer 1 or 2"."""
    chosen = sorted(ids)
    plural = len(chosen) > 1 and last == "and"
    return f"{'peers' if plural else 'peer'} {listed(chosen, last)}"

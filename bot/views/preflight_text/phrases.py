"""Phrases that the words of several facts share. No I/O."""

from collections.abc import Iterable
from typing import NamedTuple

from bot.common.text import listed


class CheckText(NamedTuple):
    """A check in words: its sentence, and what to do next ("" if there is nothing to do)."""

    sentence: str
    next_step: str = ""

    @property
    def ended(self) -> str:
        """Sentence with a full stop, so that advice can follow it."""
        return self.sentence if self.sentence.rstrip().endswith((".", "!", "?", ":", "…")) else f"{self.sentence}."


def peers(ids: Iterable[int], last: str = "and") -> str:
    """Peers as a phrase: "peer 1", "peers 1 and 2"; with `last="or"` "peer 1 or 2"."""
    chosen = sorted(ids)
    plural = len(chosen) > 1 and last == "and"
    return f"{'peers' if plural else 'peer'} {listed(chosen, last)}"

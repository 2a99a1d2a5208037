"""Runbook: the hand-written part of a rule's section in docs/alerts.md."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Runbook:
    """Instructions for the person on call; `notes` is markdown about tuning, "" when the table says it all."""

    why: str
    steps: tuple[str, ...]
    notes: str = ""


COUNTED = (
    "The counters are those of the leader, which counts every five minutes (`refresh_interval_s`); a follower's are "
    "never looked at, and a new leader's not before `settled` is over."
)
"""A note on counters that several runbooks share."""

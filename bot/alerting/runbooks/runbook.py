"""Runbook: the hand-written part of a rule's section in docs/alerts.md."""

from bot.common.frozen import frozen


@frozen
class Runbook:
    """Advice for the person on call; `notes` is markdown about tuning, "" when the table says it all."""

    why: str
    steps: tuple[str, ...]
    notes: str = ""


COUNTED = (
    "The counters come from the leader, which counts every five minutes (`refresh_interval_s`). Those of followers are "
    "never used, and those of a new leader only after `settled`."
)
"""A note on counters that several runbooks share."""

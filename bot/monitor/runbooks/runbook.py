"""What one runbook holds: the hand-written part of a rule's section in docs/alerts.md."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Runbook:
    """What a person who is woken by a rule reads; `notes` is markdown about tuning, "" when the table says it all."""

    why: str
    steps: tuple[str, ...]
    notes: str = ""

"""Timelines: what happened on a cluster, in order, for a post-mortem. No I/O."""

from bot.alerting.history import AlertRecord
from bot.alerting.reports.facts import Happening
from bot.audit.chain import AuditRow
from bot.common.frozen import frozen
from bot.interactions.notes import Note, NoteKind, NoteSubject
from bot.operations.model import Event, Operation

MAX_EVENTS = 2000
"""Events of one timeline, the newest of them: more are no story."""
LONGEST = 31 * 86400.0
"""Seconds that one timeline spans at most."""


@frozen
class OperationEvent:
    """One step of an operation."""

    op: Operation
    event: Event


@frozen
class SilenceEvent:
    """A silence was begun, extended or lifted, as the audit log has it."""

    row: AuditRow


Fact = AlertRecord | OperationEvent | SilenceEvent | Happening | Note


@frozen
class TimelineEvent:
    """One event at a time (Unix seconds), by a person (a Slack user id) or ""; `about` is its alert or operation."""

    at: float
    cluster: str
    fact: Fact
    by: str = ""
    about: NoteSubject | None = None


@frozen
class Timeline:
    """The events of some clusters from `since` to `until`, the oldest first; `left_out` older ones are not in it.

    `subject` is the alert or operation that it is about, None for a span of time; `title` says more about it.
    """

    since: float
    until: float
    clusters: tuple[str, ...]
    events: tuple[TimelineEvent, ...]
    subject: NoteSubject | None = None
    title: str = ""
    left_out: int = 0

    def of_subject(self, event: TimelineEvent) -> bool:
        """True if the event is one of the subject itself."""
        return self.subject is not None and event.about == self.subject


def of_alert(number: int) -> NoteSubject:
    """Name an alert."""
    return NoteSubject(NoteKind.ALERT, number)


def of_operation(number: int) -> NoteSubject:
    """Name an operation."""
    return NoteSubject(NoteKind.OPERATION, number)

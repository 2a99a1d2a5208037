"""Samples of silences that begin by themselves, maintenance windows, notes and timelines."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import time

from bot.alerting.cluster_state.state import LeaderChange
from bot.alerting.history import SILENCED, AlertRecord
from bot.alerting.model import EngineNotes, Muted, Severity, Silence
from bot.alerting.reports.facts import Happening
from bot.alerting.rules.table import rule_named
from bot.alerting.runbooks import RUNBOOKS
from bot.alerting.silences import Lifted, SilenceResult
from bot.alerting.windows import Window
from bot.audit.chain import AuditRow
from bot.common.message_key import MessageKey
from bot.interactions.notes import TYPED, KeptNote, Note, NoteKind, NoteSubject
from bot.interactions.timeline import OperationEvent, SilenceEvent, Timeline, TimelineEvent, of_alert, of_operation
from bot.operations.model import OpState, StepKind, advance
from bot.operations.step_facts import LegacyWords
from bot.views import alert_lists, alerts, notices, silence_times
from bot.views.alert_actions import runbook
from bot.views.notes import note_kept, note_line, notes_blocks, with_notes
from bot.views.ops_list import shown
from bot.views.status import Status, status
from bot.views.timeline import FileState, markdown, timeline
from tests.docgen.phrasebook.alerts import BROKEN
from tests.docgen.phrasebook.clusters import LINES
from tests.docgen.phrasebook.operations import WAITING
from tests.docgen.phrasebook.render import Sample, Section
from tests.support.view_samples import AT

HOUR = 3600.0
LATER = Silence(
    "prod", "peer_down", "3", AT + 3 * HOUR, "U0ANNA", "reboot", AT, id=7, begins=AT + HOUR, announced=False
)
WINDOW = Window("prod", "rolling restarts", (5, 6), time(22), 4 * HOUR, "Europe/Berlin", reason="weekly")
NIGHTLY = Window(
    "prod", "backup", tuple(range(7)), time(1), HOUR, "UTC", ("slow_answers", "api_error"), (Severity.WARNING,)
)
WEEKDAYS = replace(NIGHTLY, name="compaction", weekdays=tuple(range(5)))
HELD = replace(WINDOW.silence(WINDOW.next(AT), AT), id=8, until=AT + HOUR, begins=AT - HOUR)
ALERT, OPERATION = NoteSubject(NoteKind.ALERT, 17), NoteSubject(NoteKind.OPERATION, 12)
NOTE = Note(
    ALERT,
    "prod",
    MessageKey.alert(17),
    AT,
    "U0ANNA",
    "fan 3 was loud, the vendor is on the way",
    "U0ANNA",
    AT,
    "disk_broken",
    f"{TYPED}1",
    1,
)
KEPT = replace(NOTE, by="U0BEN", source="C0STORAGE/1.2", text="it began after the power cut", id=2)
OF_PROGRAM = replace(KEPT, by="", id=3)
ON_OPERATION = replace(NOTE, subject=OPERATION, thread=MessageKey.card(12), rule="", text="agreed with the data team")


def sections() -> Iterator[Section]:
    """The sections of the page."""
    yield Section("Silences that begin later, and maintenance windows", tuple(_silences()))
    yield Section("Notes", tuple(_notes()))
    yield Section("`/cm timeline`", tuple(_timelines()))


def _silences() -> Iterator[Sample]:
    yield Sample("planned", alert_lists.silenced(SilenceResult(LATER, 2)))
    yield Sample("planned, for the person", alert_lists.silence_begun(SilenceResult(LATER, 0)))
    yield Sample("it begins", silence_times.silence_started(replace(LATER, begins=AT), 1))
    yield Sample("a window begins", silence_times.silence_started(HELD, 0))
    silences = alert_lists.silences(
        (HELD,), now=AT, planned=(LATER,), windows=(WINDOW, NIGHTLY, WEEKDAYS), muted={HELD.id: 2}
    )
    yield Sample("/cm silences", silences)
    yield Sample("planned one cancelled", alert_lists.lifted(Lifted(LATER, planned=True), "U0BEN"))
    yield Sample("planned one cancelled, for the person", alert_lists.silence_lifted(Lifted(LATER, planned=True)))
    yield Sample("a window lifted early", alert_lists.lifted(Lifted(HELD), "U0BEN"))
    yield Sample("a window ended", notices.silence_over(HELD, (BROKEN,)))
    muted = replace(BROKEN, notes=EngineNotes(muted=Muted(8, ""), silenced=(8,)))
    yield Sample("an alert that a window mutes", alerts.card(muted))
    person = replace(LATER, begins=0.0, cluster="archive")
    yield Sample("/cm stat", silence_times.with_muted(alerts.card(BROKEN), (HELD, replace(person, cluster="prod"))))
    yield Sample("the status line", status(Status(AT, LINES, 0, 0.0, 0, silences=(HELD, person))))


def _notes() -> Iterator[Sample]:
    yield Sample("typed, in the thread", note_line(NOTE))
    yield Sample("a kept message, in the thread", note_line(KEPT))
    yield Sample("a kept message of cmbot, in the thread", note_line(OF_PROGRAM))
    yield Sample("for the person", note_kept(KeptNote(NOTE)))
    yield Sample("kept before, for the person", note_kept(KeptNote(NOTE, known=True)))
    rule = rule_named("disk_broken")
    assert rule is not None
    yield Sample("in a runbook", with_notes(runbook(rule, RUNBOOKS[rule.key]), (NOTE, KEPT)))
    yield Sample("/cm op", shown(replace(WAITING, id=12), (ON_OPERATION,)))
    yield Sample("many", notes_blocks((NOTE,) * 12))


def _timelines() -> Iterator[Sample]:
    running = advance(replace(WAITING, id=12), OpState.RUNNING, at=AT + 60, by="U0BEN", kind=StepKind.APPROVED)
    done = advance(running, OpState.VERIFIED, at=AT + 65, fact=LegacyWords("balance is now off"))
    begun = (
        '{"silence":3,"rule":"peer_down","subject":"3","until":1700007200.0,"reason":"reboot"}',
        '{"silence":4,"rule":"*","alert":17,"text":"another alert fired"}',
    )
    facts = (
        *(
            TimelineEvent(
                AT + place,
                "prod",
                AlertRecord(17, "prod", kind, AT, by, Severity.WARNING, "1 disk is broken."),
                by,
                of_alert(17),
            )
            for place, (kind, by) in enumerate(
                (
                    ("fired", ""),
                    (SILENCED, "U0ANNA"),
                    ("worse", ""),
                    ("escalated", ""),
                    ("reminded", ""),
                    ("acknowledged", "U0ANNA"),
                    ("unmuted", ""),
                    ("withdrawn", ""),
                    ("resolved", ""),
                )
            )
        ),
        *(
            TimelineEvent(event.at, "prod", OperationEvent(done, event), event.by, of_operation(12))
            for event in done.history
        ),
        TimelineEvent(AT + 70, "prod", Happening(AT + 70, "prod", LeaderChange(AT + 70, 1, 2, 8))),
        TimelineEvent(AT + 71, "prod", NOTE, "U0ANNA", ALERT),
        *(
            TimelineEvent(
                AT + 72, "prod", SilenceEvent(AuditRow(1, AT, "U0ANNA", action, "prod", 0, detail, "", "")), "U0ANNA"
            )
            for action, detail in zip(("silence.begun", "silence.lifted"), begun, strict=True)
        ),
    )
    found = Timeline(AT - 300, AT + 100, ("prod",), facts, ALERT, "1 disk of prod is broken.")
    yield Sample("of an alert", timeline(found, FileState.DONE))
    yield Sample("of an alert, the file", markdown(found, AT + 200))
    many = replace(found, clusters=("prod", "archive"), events=facts[:1] * 40, subject=None, title="", left_out=1000)
    yield Sample(
        "of a time, the file cannot be uploaded", timeline(many, FileState.FAILED, why="Slack refuses: not_in_channel.")
    )
    yield Sample("nothing happened", timeline(replace(many, events=(), left_out=0), FileState.NONE))

"""/cm repairs: all repairs and drops of disks with their progress, and what the schedulers count. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import field

from bot.alerting.cluster_state.background import BackgroundNote, TaskNote
from bot.alerting.progress import work_progress
from bot.alerting.task_activity import TaskActivity, WorkOnDisk
from bot.clustermgr.models import DiskStatus
from bot.common.frozen import frozen
from bot.interactions.message import Message
from bot.views.blocks import NumberCell, code, context, count, data_table, date, duration, escape, message, section
from bot.views.progress import pace, progress_bar
from bot.views.task_activity import hindered_lines, schedulers_text

MAX_ROWS = 20
_HEADER = ("Work", "Disk", "Done", "Left", "Pace", "Since", "Host", "Zone", "Counted")


@frozen
class RepairReport:
    """The repairs and drops of a cluster as last listed, seen `now` (Unix seconds).

    `at` is when the bad disks were listed, `dropping_at` when those being dropped were; 0 for never. `own_known` is
    False if the operations could not be read. `tasks` is what happens with disk_repair and disk_drop; `background` is
    what is known of the schedulers.
    """

    cluster: str
    work: Sequence[WorkOnDisk]
    at: float
    now: float
    tasks: Mapping[str, TaskActivity] = field(default_factory=dict)
    background: BackgroundNote = field(default_factory=BackgroundNote)
    dropping_at: float = 0.0
    own_known: bool = True

    @property
    def age(self) -> float:
        """Seconds since the older of the two lists."""
        return max(0.0, self.now - min(filter(None, (self.at, self.dropping_at)), default=self.now))


def repairs(report: RepairReport) -> Message:
    """Render the repairs and drops, those under way first."""
    sentence = _sentence(report)
    head = section("\n".join((f"*{sentence}*", *_hindered(report))))
    notes = " ".join(filter(None, (*_notes(report), _as_of(report))))
    if not report.work:
        return message(sentence, head, context(notes))
    rows = [_row(each, report.now) for each in report.work[:MAX_ROWS]]
    listed = data_table(rows, header=_HEADER, caption=f"Repairs and drops of {report.cluster}", names=1)
    return message(sentence, head, listed, context(notes))


def _hindered(report: RepairReport) -> list[str]:
    """Why work waits, one task a line, with the next step: it stands above the table."""
    lines = [f"⚠ {line}" for line in hindered_lines(report.tasks, escape(report.cluster))]
    return [*lines, f"Each task, and what happens with it: {code(f'/cm tasks {report.cluster}')}"] if lines else []


def _sentence(report: RepairReport) -> str:
    cluster = escape(report.cluster)
    if not report.at and not report.dropping_at and not report.work:
        return f"The disks of {cluster} were not listed yet."
    waiting = sum(each.waits for each in report.work)
    drops = sum(each.drop for each in report.work)
    repairing = len(report.work) - waiting - drops
    kinds = ((repairing, "being repaired"), (drops, "being emptied"), (waiting, "broken, repair not begun"))
    parts = [f"{count(number, 'disk')} {state}" for number, state in kinds if number]
    age = f", listed {duration(report.age)} ago" if report.age >= 1 else ""
    if not parts:
        return f"No disk of {cluster} is being repaired or emptied{age}."
    return f"{cluster}: {', '.join(parts)}{age}."


def _row(work: WorkOnDisk, now: float) -> tuple[str, ...]:
    note = work.progress
    found = work_progress(note.counts, note.total)
    under_way = found if not work.waits else None
    return (
        _kind(work),
        NumberCell(f"#{note.id}", note.id),
        "-" if under_way is None else progress_bar(under_way),
        "not counted yet" if found is None else NumberCell(f"{found.left:,} of {found.total:,}", found.left),
        "-" if under_way is None else pace(under_way, now=now),
        date(note.since, "minute"),
        work.host or "-",
        work.idc or "-",
        date(note.counts[-1].at, "time") if note.counts else "-",
    )


def _kind(work: WorkOnDisk) -> str:
    if work.drop:
        return "drop"
    known = {DiskStatus.BROKEN: "repair, not begun", DiskStatus.REPAIRING: "repair"}
    return {int(status): words for status, words in known.items()}.get(
        work.progress.status, f"state {work.progress.status}"
    )


def _notes(report: RepairReport) -> list[str]:
    notes = []
    if len(report.work) > MAX_ROWS:
        notes.append(f"{count(len(report.work) - MAX_ROWS, 'more disk')} not shown.")
    if not report.own_known:
        notes.append("The database does not answer: a drop that cmbot began in the last minute may be missing.")
    counted = (report.background.task(task, report.now) for task in report.tasks)
    counts = [text for each in counted if each is not None and (text := _scheduler_counts(each))]
    if counts:
        notes += [*counts, "Left are the units counted on the disk; the counts of the scheduler run ahead of them."]
    notes.append(schedulers_text(report.background, report.now))
    return notes


def _scheduler_counts(note: TaskNote) -> str:
    """What the schedulers count of a task, "" if that is not known or nothing."""
    if not note.total:
        return ""
    of_disks = f" of {count(note.disks, 'disk')}" if note.disks is not None else ""
    lately = f", {note.finishing:,} in the last minute" if note.finishing is not None else ""
    return (
        f"The scheduler counts {note.done or 0:,} of {note.total:,} tasks done for {code(note.task)}{of_disks}{lately}."
    )


def _as_of(report: RepairReport) -> str:
    """When the two lists were read: the bad disks come with each poll, those being dropped once a minute."""
    lists = (("Broken disks", report.at), ("disks being dropped", report.dropping_at))
    known = [f"{name} as of {date(at, 'time')}" for name, at in lists if at]
    known += [f"{name} not listed yet" for name, at in lists if not at] if known else []
    text = "; ".join(known)
    return f"{text[0].upper()}{text[1:]}." if text else ""

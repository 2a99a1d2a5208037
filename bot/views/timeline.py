"""/cm timeline: events in order, as a message and as Markdown. No I/O."""

import re
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from bot.alerting.history import SILENCED, AlertRecord
from bot.alerting.reports.facts import Happening
from bot.audit.chain import AuditRow
from bot.common.text import listed
from bot.interactions.message import Message
from bot.interactions.notes import Note
from bot.interactions.timeline import OperationEvent, SilenceEvent, Timeline, TimelineEvent
from bot.operations.model import OpState, StepKind
from bot.views.blocks import clip, code, context, count, date, escape, message, plain, section, utc
from bot.views.op_parts import in_agents_words, title
from bot.views.report_text import event_text as change_text
from bot.views.step_text import event_text as step_text
from bot.views.text import in_ticks

MAX_SHOWN = 30
"""Events in the message; the file has all."""
_PER_SECTION = 8
_MAX_LINE = 280
_MARKUP = re.compile(r"([\\*\[\]])")
_INVITE = "If cmbot is not in it, type /invite @cmbot and ask again."
_HAPPENED: Mapping[str, str] = MappingProxyType(
    {
        "fired": "fired",
        "worse": "got worse",
        "acknowledged": "was acknowledged",
        "taken_over": "was taken over",
        "hold_changed": "is acknowledged until another time",
        "given_back": "was given back: no one holds it",
        "hold_expired": "is no longer acknowledged, as the time is over",
        "holder_reminded": "still fires; its holder was reminded",
        "unfolded": "has a separate message, as the alert that carried it is over",
        SILENCED: "was silenced",
        "unmuted": "is no longer silenced and still fires",
        "reminded": "still fires",
        "escalated": "called, because no one acknowledged it",
        "resolved": "was resolved",
        "withdrawn": "was closed: it is not watched any more",
    }
)
"""What happened to an alert, by the kind of its record."""
_QUIET = frozenset({"acknowledged", "taken_over", "hold_changed", "given_back", SILENCED, "withdrawn"})
"""Kinds after which the sentence of the alert says nothing new."""


class FileState(Enum):
    """The state of the file with all events, as a sentence for the reader."""

    NONE = ""
    UNDER_WAY = "A Markdown file with all of them follows."
    DONE = "The Markdown file in this channel has all of them."
    FAILED = "The Markdown file could not be uploaded to this channel."


def timeline(found: Timeline, upload: FileState, *, why: str = "") -> Message:
    """Render the events, shortened; `why` is the reason if the upload of the file failed."""
    head = f"{_name(found)}: {count(len(found.events), 'event')}"
    span = f"from {date(found.since, 'minute')} to {date(found.until, 'minute')}"
    if not found.events:
        text = f"{head}, {span}."
        longer = [] if found.subject else [context(f"For a longer time: {code('/cm timeline since=24h')}")]
        return message(text, section(f"*{text}*"), *longer)
    shown = _shortened(found)
    lines = [_line(found, event) for event in shown]
    blocks = [section("\n".join(lines[at : at + _PER_SECTION])) for at in range(0, len(lines), _PER_SECTION)]
    left = len(found.events) - len(shown)
    rest = [f"{left:,} of them are left out here."] if left else []
    file = (
        [f"{upload.value}{f' {escape(why)} {_INVITE}' if upload is FileState.FAILED else ''}"] if upload.value else []
    )
    older = [f"{found.left_out:,} older events are not read."] if found.left_out else []
    small = [context(*rest, *older, *file)] if rest or older or file else []
    about = [section(clip(escape(found.title), _MAX_LINE))] if found.title else []
    return message(
        f"{head}, {span}.",
        section(f"*{head}*, {span}, times in UTC"),
        *about,
        *blocks,
        *small,
    )


def _name(found: Timeline) -> str:
    where = escape(listed(found.clusters))
    return f"Timeline of {found.subject} of {where}" if found.subject else f"Timeline of {where}"


def _shortened(found: Timeline) -> list[TimelineEvent]:
    """The events of the subject, then the newest others, as many as one message shows; in order."""
    places = range(len(found.events))
    own = [place for place in places if found.of_subject(found.events[place])]
    if len(own) > MAX_SHOWN:
        own = [*own[: MAX_SHOWN // 3], *own[len(own) - MAX_SHOWN + MAX_SHOWN // 3 :]]
    others = [place for place in places if not found.of_subject(found.events[place])]
    room = MAX_SHOWN - len(own)
    return [found.events[place] for place in sorted((*own, *(others[-room:] if room else ())))]


def _line(found: Timeline, event: TimelineEvent) -> str:
    mark = "▶ " if found.of_subject(event) else ""
    where = f"{escape(event.cluster)}: " if len(found.clusters) > 1 else ""
    who = f" — <@{escape(event.by)}>" if event.by else ""
    words = escape(event_words(event))
    shown = clip(words, _MAX_LINE)
    # A cut that falls into code ends it: what follows is formatted again.
    end = "`" if shown.count("`") % 2 > words.count("`") % 2 else ""
    return f"`{_clock(event.at)}` {mark}{where}{shown}{end}{who}"


def _clock(at: float) -> str:
    return utc(at).removesuffix(" UTC")


def event_words(event: TimelineEvent) -> str:
    """An event in words, plain and unescaped, without its time and its person."""
    match event.fact:
        case AlertRecord():
            return _alert(event.fact)
        case OperationEvent():
            return _step(event.fact)
        case SilenceEvent(row):
            return _silence(row)
        case Note():
            return f"note on {event.fact.subject}: {event.fact.text}"
        case Happening():
            return change_text(event.fact.event)


def _step(fact: OperationEvent) -> str:
    op, event = fact.op, fact.event
    words, state = step_text(event), event.state.value
    if event is op.history[0]:
        reason = in_ticks(op.reason) if op.reason and in_agents_words(op) else op.reason
        why = f" (reason: {reason})" if reason else ""
        more = words.removeprefix(StepKind.PROPOSED).lstrip(" :,;")
        by_agent = " by an agent" if op.options.agent else ""
        return f"operation #{op.id} proposed{by_agent}: {title(op)}{why}{f'; {more}' if more else ''}"
    if event.kind is not None and event.kind.by_person:
        begins = ", now running" if event.state is OpState.RUNNING else ""
        return f"operation #{op.id} {words}{begins}"
    return f"operation #{op.id} {state}{f': {words}' if words else ''}"


def _alert(record: AlertRecord) -> str:
    happened = _HAPPENED.get(record.kind, record.kind.replace("_", " "))
    said = f": {record.sentence}" if record.sentence and record.kind not in _QUIET else ""
    severity = f" ({record.severity.name.lower()})" if record.kind in {"fired", "worse"} else ""
    return f"alert #{record.alert} {happened}{severity}{said}"


_SILENCED: Mapping[str, str] = MappingProxyType({"begun": "began"})
"""The verb of an audited action that is not `was` and the action's own word."""


def _silence(row: AuditRow) -> str:
    facts = row.details
    done = row.action.removeprefix("silence.")
    verb = _SILENCED.get(done, f"was {done}")
    rule = "every rule" if facts.get("rule") == "*" else str(facts.get("rule", ""))
    subject = f" ({facts['subject']})" if facts.get("subject") else ""
    alert = f", alert #{facts['alert']}" if facts.get("alert") else ""
    until = facts.get("until")
    ends = f", until {utc(until)}" if isinstance(until, int | float) and done != "lifted" else ""
    why = f" (reason: {facts['reason']})" if facts.get("reason") else ""
    text = f": {facts['text']}" if facts.get("text") else ""
    return f"silence #{facts.get('silence')} of {rule}{subject}{alert} {verb}{ends}{why}{text}"


def file_name(found: Timeline) -> str:
    """The name of the file."""
    about = str(found.subject).replace(" #", "-") if found.subject else "-".join(found.clusters[:3])
    return f"timeline-{about}-{utc(found.since)[:10]}.md"


def markdown(found: Timeline, now: float) -> str:
    """All events as Markdown; people are their Slack ids."""
    subject = f"# Timeline of {found.subject or 'what happened'}: {_safe(', '.join(found.clusters))}"
    older = [f"{found.left_out:,} older events are not in this file."] if found.left_out else []
    head = [
        subject,
        "",
        *([_safe(found.title), ""] if found.title else []),
        f"From {utc(found.since)} to {utc(found.until)}, {count(len(found.events), 'event')}; written {utc(now)}.",
        *older,
        "",
    ]
    return "\n".join((*head, *(_entry(found, event) for event in found.events), ""))


def _entry(found: Timeline, event: TimelineEvent) -> str:
    where = f"{_safe(event.cluster)}: " if len(found.clusters) > 1 else ""
    words = _safe(event_words(event))
    strong = f"**{words}**" if found.of_subject(event) else words
    who = f" (@{_safe(event.by)})" if event.by else ""
    return f"- {utc(event.at)} · {where}{strong}{who}"


def _safe(text: str) -> str:
    """One line of foreign text that makes no link, emphasis or HTML in Markdown."""
    return _MARKUP.sub(r"\\\1", plain(text))

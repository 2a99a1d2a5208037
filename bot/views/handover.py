"""Hand-over: one message of at most one screen; all events of the shift in its thread. No I/O."""

from collections.abc import Iterator, Sequence

from bot.alerting.model import Alert, Silence
from bot.alerting.reports.facts import Happening, NoteFact, OperationFact
from bot.alerting.reports.handover import Handover, OpenOperationFact, State
from bot.alerting.reports.summary import STALE_SECONDS, Off
from bot.common.text import listed
from bot.interactions.message import BlockJson, Message
from bot.views.alert_text.table import sentence_of
from bot.views.alerts import severity_mark, severity_word
from bot.views.blocks import code, context, count, date, duration, escape, header, message, section
from bot.views.folded import count_of, where_folded
from bot.views.holders import until
from bot.views.parts import Report, bullets, mark_of, verdict_of
from bot.views.report_text import event_text, watch_text
from bot.views.silence_times import author_of
from bot.views.status_text import noted_sentence
from bot.views.summary_lines import named, not_polled, off_line, pending_line, period

MOST = 5
MAX_WATCH = 8
MAX_EVENTS = 6
MAX_STATES = 4
_THREAD_LINES = 25
_THREAD_PAGES = 4
_PAGE = 8


def handover(value: Handover, *, threaded: bool = True) -> Report:
    """The hand-over, open alerts first; without a thread in the answer to a command."""
    parts = [
        *_section("🙋 Not acknowledged", [_alert(each, value) for each in value.free]),
        *_section("👤 Acknowledged", [_held(each, value) for each in value.held]),
        *_section("⏳ In progress", [_task(each, value.now) for each in value.tasks]),
        *_section("🔕 Muted", [_silence(each, value.now) for each in value.silences]),
        *_section("⚪ Switched off", [_off(each, value.now) for each in value.off]),
        *_section("👀 Watch for", [escape(watch_text(each)) for each in value.watch], MAX_WATCH),
    ]
    calm = [] if parts else [section("No alert is open, nothing is muted, and no operation is in progress.")]
    head = _headline(value)
    happened = sorted(value.happened, key=lambda each: (each.at, each.cluster, event_text(each.event)))
    main = message(
        f"{head}. {_spoken(value)}",
        header(head),
        section("\n".join(_states(value))),
        *calm,
        *parts,
        *_happened(happened, threaded=threaded),
        context(*_small_print(value)),
    )
    return Report(main, tuple(_thread(happened)) if threaded else ())


def _headline(value: Handover) -> str:
    if not (value.free or value.held):
        return "Hand-over: no alert is open"
    both = count_of((*value.free, *value.held))
    if not value.held:
        return f"Hand-over: {both} open, not acknowledged"
    free = f"{len(value.free):,} of them not acknowledged" if value.free else "acknowledged"
    return f"Hand-over: {both} open, {free}"


def _spoken(value: Handover) -> str:
    """The text for phones and screen readers, after the headline."""
    parts = [
        count(len(value.tasks), "operation") + " in progress" if value.tasks else "",
        count(len(value.silences), "silence") + " in force" if value.silences else "",
    ]
    first = escape(sentence_of(value.free[0])) if value.free else ""
    counts = ", ".join(each for each in parts if each)
    return " ".join(each for each in (first, f"{counts}." if counts else "") if each) or "Nothing is in progress."


def _states(value: Handover) -> Iterator[str]:
    ill = [state for state in value.states if state.level != "healthy" or value.now - state.at > STALE_SECONDS]
    well = [state for state in value.states if state not in ill]
    yield from (_state(state, value.now) for state in ill[:MAX_STATES])
    if len(ill) > MAX_STATES:
        yield f"… and {count(len(ill) - MAX_STATES, 'more cluster')} not healthy: `/cm clusters`"
    if well:
        yield f"{mark_of('healthy')} healthy: {listed([f'*{escape(state.name)}*' for state in well])}"


def _state(state: State, now: float) -> str:
    sentence = noted_sentence(state.name, state.verdict or not_polled(state.name), state.raised_by)
    stale = f" _(as of {date(state.at, 'minute')})_" if state.at and now - state.at > STALE_SECONDS else ""
    return f"{mark_of(state.level)} {verdict_of(state.name, sentence)}{stale}"


def _section(title: str, lines: Sequence[str], most: int = MOST) -> Iterator[BlockJson]:
    if lines:
        yield section(f"*{title}*\n{bullets(lines, most)}")


def _alert(alert: Alert, value: Handover) -> str:
    mark, word = severity_mark(alert.severity), severity_word(alert.severity)
    number = f" · `/cm ack {alert.id}`" if alert.id else ""
    where = where_folded(alert, (*value.free, *value.held))
    return f"{mark} {word} for {duration(value.now - alert.since)}{where}: {escape(sentence_of(alert))}{number}"


def _held(alert: Alert, value: Handover) -> str:
    mark, word = severity_mark(alert.severity), severity_word(alert.severity)
    since = f" since {date(alert.acked_at, 'minute')}" if alert.acked_at else ""
    lasts = duration(value.now - alert.since) + where_folded(alert, (*value.free, *value.held))
    return f"{named(alert.acked_by)}{since}{until(alert)}: {mark} {word} for {lasts}: {escape(sentence_of(alert))}"


def _task(task: OpenOperationFact, now: float) -> str:
    return f"*{escape(task.cluster)}* {pending_line(task.pending, now)}"


def _silence(each: Silence, now: float) -> str:
    what = "all alerts" if each.rule == "*" else code(each.rule)
    if each.scope is not None:
        what = f"maintenance of {code(each.subject)}"
    if each.window is not None:
        what = f"maintenance window {code(each.window.name)}"
    why = f": “{escape(each.reason)}”" if each.reason else ""
    until = f"until {date(each.until, 'minute')}"
    if each.begins > now:
        when = f"planned from {date(each.begins, 'minute')} {until}"
    else:
        when = f"{until} ({duration(each.until - now)} left)"
    return f"*{escape(each.cluster)}* {what} {when}, {author_of(each)}{why}"


def _off(off: Off, now: float) -> str:
    return f"*{escape(off.cluster)}* {off_line(off, now).removeprefix('⚪ ')}"


def _happened(found: Sequence[Happening], *, threaded: bool) -> Iterator[BlockJson]:
    if not found:
        yield section("*What happened*\nNothing was recorded.")
        return
    shown = [f"• {_happening(each)}" for each in found[-MAX_EVENTS:]]
    more = len(found) - len(shown)
    where = ", all in the thread" if threaded else ""
    before = [f"_… {more:,} before that{where}_"] if more else []
    yield section("\n".join(["*What happened*", *before, *shown]))


def _happening(each: Happening) -> str:
    by = f" ({named(each.event.by)})" if isinstance(each.event, OperationFact | NoteFact) and each.event.by else ""
    return f"{date(each.at, 'minute')} *{escape(each.cluster)}* {escape(event_text(each.event))}{by}"


def _thread(found: Sequence[Happening]) -> Iterator[Message]:
    """All events in order, if the message cannot hold them."""
    if len(found) <= MAX_EVENTS:
        return
    pages = range(0, min(len(found), _THREAD_LINES * _PAGE * _THREAD_PAGES), _THREAD_LINES * _PAGE)
    for first in pages:
        page = found[first : first + _THREAD_LINES * _PAGE]
        parts = [page[at : at + _PAGE] for at in range(0, len(page), _PAGE)]
        left = len(found) - first - len(page) if first == pages[-1] else 0
        rest = [context(f"… and {left:,} more after these")] if left else []
        text = f"What happened in the shift: {count(len(page), 'entry', 'entries')}."
        yield message(text, *(section("\n".join(f"• {_happening(each)}" for each in part)) for part in parts), *rest)


def _small_print(value: Handover) -> Iterator[str]:
    first, *late = period(value.since, value.now, value.watched_later, len(value.states))
    yield from (f"the shift {first}", *late)
    yield "current state: `/cm alerts`, `/cm ops`, `/cm silences`"

"""The message of an alert, edited as the alert changes, and the replies in its thread. No I/O."""

from collections.abc import Iterator, Sequence

from bot.alerting.engine import Transition, TransitionReason
from bot.alerting.folding import severity_of
from bot.alerting.model import Alert, AlertState, LegacyDetail, Severity
from bot.interactions.message import BlockJson, Message
from bot.views import blocks, notices
from bot.views.alert_actions import buttons, leading, next_step_of, show_all
from bot.views.alert_text.table import alert_text, cause_of, outcome_sentence, sentence_of
from bot.views.folded import MARKS, RESOLVED_MARK, begins, folded_lines, folded_sentence
from bot.views.holders import held_by
from bot.views.holders import line_text as holder_line
from bot.views.silence_times import quieted_by

MAX_LINES = 5
"""Affected things in the message of an alert; a button shows all."""
_MAX_CHUNK = 2400
"""Characters of one paragraph of affected things: escaped they stay below Slack's 3,000."""


def severity_word(severity: Severity) -> str:
    """Return `Info`, `Warning` or `Critical`."""
    return severity.name.capitalize()


def severity_mark(severity: Severity) -> str:
    """Return the symbol shown beside the severity."""
    return MARKS[severity]


def card(alert: Alert, folded: Sequence[Alert] = ()) -> Message:
    """Render the alert's message; a resolved alert shows its outcome and how long it lasted.

    `folded` are the alerts of the same cause that this message announces.
    """
    return _resolved_card(alert, folded) if alert.state is AlertState.RESOLVED else _open_card(alert, folded)


def folded_reply(transition: Transition) -> Message:
    """Render the reply about a folded alert, in the thread of the alert that carries it."""
    text = begins(transition)
    if not text:
        return line(transition)
    details = alert_text(transition.new)
    shown = [f"{_mark(transition.new)} {text}", *_bullets(details.lines, details.more)]
    return blocks.message(text, blocks.section("\n".join(shown)))


def line(transition: Transition) -> Message:
    """Render the thread reply of a transition; a broadcast shows it in the channel too."""
    text = _line_text(transition)
    shown = [f"{_mark(transition.new)} {text}"]
    old = transition.old
    # Text of an older release reads differently, so a comparison would list everything as new.
    if transition.reason is TransitionReason.WORSE and not (old and isinstance(old.detail, LegacyDetail)):
        before = set(alert_text(old).lines if old else ())
        changed = [item for item in alert_text(transition.new).lines if item not in before]
        shown += _bullets(changed, rest="more of those that changed")
    return blocks.message(text, blocks.section("\n".join(shown)))


def _open_card(alert: Alert, folded: Sequence[Alert]) -> Message:
    severity = severity_of(alert, folded)
    cluster, word = blocks.escape(alert.cluster), severity_word(severity)
    text = alert_text(alert)
    sentence = blocks.escape(text.sentence)
    parts = [blocks.section(f"{MARKS[severity]} *{word} · {cluster}*\n{sentence}")]
    if text.lines:
        parts.append(blocks.section("\n".join(_bullets(text.lines, text.more))))
    if folded:
        parts.append(blocks.section(folded_lines(folded)))
    parts += _cause_and_step(alert, folded)
    if alert.id:
        more = [show_all(alert)] if len(text.lines) + text.more > MAX_LINES else []
        parts.append(blocks.actions(*buttons(alert, folded), *more))
    said = f"{word} in {cluster}: {sentence}{folded_sentence(folded)}"
    return blocks.message(said, *parts, blocks.context(*_small_print(alert)))


def _cause_and_step(alert: Alert, folded: Sequence[Alert] = ()) -> Iterator[BlockJson]:
    operation, approved = cause_of(alert.detail)
    if operation:
        yield blocks.section(_operation(operation, approved))
    if step := next_step_of(leading(alert, folded)):
        yield blocks.section(f"*Next:* {step}")


def in_full(alert: Alert) -> Message:
    """Render all that is known of an alert, without buttons: everything affected, its cause, its next step, its times.

    A resolved one shows its outcome as well.
    """
    cluster, word = blocks.escape(alert.cluster), severity_word(alert.severity)
    text = alert_text(alert)
    over = alert.state is AlertState.RESOLVED
    sentence = blocks.escape(text.sentence)
    head = f"{_mark(alert)} *{word} · {cluster}* · {blocks.code(alert.rule)}"
    ended = f"\n*Resolved:* {blocks.escape(text.outcome)}" if over and text.outcome else ""
    parts = [blocks.section(f"{head}\n{sentence}{ended}")]
    if text.lines:
        parts += _affected(text.lines, text.more)
    parts += () if over else _cause_and_step(alert)
    times = [f"from {blocks.date(alert.since, 'minute')} to {blocks.date(alert.gone_at, 'minute')}"] if over else []
    small = [*times, f"alert #{alert.id}"] if over else _small_print(alert)
    return blocks.message(
        f"Alert #{alert.id}, {word.lower()} in {cluster}{', resolved' if over else ''}: {sentence}",
        *parts,
        blocks.context(*small),
    )


def _affected(lines: Sequence[str], more: int) -> Iterator[BlockJson]:
    """Yield all affected things in paragraphs, and the number of those that are counted only."""
    chunk: list[str] = []
    for line in lines:
        shown = f"• {blocks.escape(line)}"
        if chunk and sum(map(len, chunk)) + len(chunk) + len(shown) > _MAX_CHUNK:
            yield blocks.section("\n".join(chunk))
            chunk = []
        chunk.append(shown)
    yield blocks.section("\n".join(chunk))
    if more:
        yield blocks.context(f"… and {more:,} more that the alert counts without naming them")


def _operation(number: int, approved: Sequence[str]) -> str:
    """Name the operation that caused an alert's finding, and its approvers."""
    who = " and ".join(f"<@{blocks.escape(user)}>" for user in approved)
    return f"Caused by operation #{number}{', approved by ' if who else ''}{who}."


def _small_print(alert: Alert) -> list[str]:
    since = f"since {blocks.date(alert.since, 'minute')}"
    number = [f"alert #{alert.id}"] if alert.id else []
    if alert.state is not AlertState.ACKNOWLEDGED:
        muted = alert.notes.muted
        quiet = [quieted_by(muted.by)] if muted else []
        return [f"firing {since}", *quiet, *number]
    return [f"{held_by(alert)}, open {since}", *number]


def _resolved_card(alert: Alert, folded: Sequence[Alert]) -> Message:
    cluster = blocks.escape(alert.cluster)
    text = alert_text(alert)
    lasted, became = blocks.duration(alert.lasted), blocks.escape(text.outcome or text.sentence)
    was = f"It was: {blocks.escape(text.sentence)}"
    ended = f"from {blocks.date(alert.since, 'minute')} to {blocks.date(alert.gone_at, 'minute')}"
    if alert.resolved_at // 60 != alert.gone_at // 60:
        ended += f", resolved {blocks.date(alert.resolved_at, 'minute')}"
    return blocks.message(
        f"Resolved in {cluster} after {lasted}: {became}",
        blocks.section(f"{RESOLVED_MARK} *Resolved after {lasted} · {cluster}*\n{became}"),
        *([blocks.section(folded_lines(folded))] if folded else []),
        blocks.context(f"{severity_word(alert.severity)}. {was}", ended),
    )


def _line_text(transition: Transition) -> str:
    if said := notices.line_text(transition) or holder_line(transition):
        return said
    alert = transition.new
    cluster = blocks.escape(alert.cluster)
    if alert.state is AlertState.RESOLVED:
        return f"Resolved in {cluster} after {blocks.duration(alert.lasted)}: {blocks.escape(outcome_sentence(alert))}"
    return f"{severity_word(alert.severity)}, worse than before in {cluster}: {blocks.escape(sentence_of(alert))}"


def _mark(alert: Alert) -> str:
    return RESOLVED_MARK if alert.state is AlertState.RESOLVED else MARKS[alert.severity]


def _bullets(lines: Sequence[str], more: int = 0, *, rest: str = "more") -> list[str]:
    shown = [f"• {blocks.escape(item)}" for item in lines[:MAX_LINES]]
    left = len(lines) - len(shown) + more
    return [*shown, f"… and {left:,} {rest}"] if left > 0 else shown

"""When silences begin and end: planned ones, maintenance windows, and the notices of their starts. No I/O."""

from collections.abc import Sequence

from bot.alerting.model import Severity, Silence, WindowScope
from bot.alerting.windows import Window
from bot.common.moments import WEEKDAYS
from bot.common.text import listed
from bot.interactions.message import BlockJson, Message
from bot.views.blocks import code, context, count, date, duration, escape, message, section

MAX_WINDOWS = 20
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SEVERITIES = {Severity.INFO: "infos", Severity.WARNING: "warnings", Severity.CRITICAL: "critical alerts"}


def window_what(held: Silence) -> str:
    """Name the window of a silence."""
    name = held.window.name if held.window is not None else held.subject
    return f"maintenance window {code(name)} of {escape(held.cluster)}"


def window_scope(window: WindowScope | Window) -> str:
    """Name what a window mutes: `warnings of peer_down and host_unreachable`."""
    severities = listed([_SEVERITIES[severity] for severity in window.severities])
    rules = listed([code(rule) for rule in window.rules]) if window.rules else "all rules that need not be named"
    return f"{severities} of {rules}"


def quieted_by(by: str) -> str:
    """Name who silenced an alert: a person, or a window of the settings."""
    return f"silenced by <@{escape(by)}>" if by else "silenced by a maintenance window"


def author_of(held: Silence) -> str:
    """Name who began a silence, as it follows its end."""
    return f"by <@{escape(held.by)}>" if held.by else "by the settings"


def mutes_text(number: int) -> str:
    """Say how many open alerts a silence mutes now."""
    return f"It mutes {count(number, 'open alert') if number else 'no open alert'} now."


def would_mute(number: int | None) -> str:
    """Say how many open alerts a planned silence would mute."""
    if number is None:
        return ""
    found = f"{count(number, 'open alert')} would be muted" if number else "no open alert would be muted"
    return f" It mutes nothing before that; as of now {found}."


def silence_started(held: Silence, muted: int) -> Message:
    """Announce that a planned silence, or a maintenance window, began by itself."""
    why = f" ({escape(held.reason)})" if held.reason else ""
    until = f"until {date(held.until, 'minute')}"
    if held.window is not None:
        what = window_what(held)
        text = f"{what[0].upper()}{what[1:]} began: {window_scope(held.window)} are muted {until}{why}."
    else:
        about = f" ({code(held.subject)})" if held.subject else ""
        rule = "all alerts" if held.rule == "*" else code(held.rule)
        text = (
            f"Silence #{held.id} by <@{escape(held.by)}> began: {rule}{about} of {escape(held.cluster)} "
            f"{'are' if held.rule == '*' else 'is'} muted {until}{why}."
        )
    rest = f"It ends by itself for an alert that gets worse. To end it early: `/cm unsilence {held.id}`"
    return message(f"{text} {mutes_text(muted)}", section(f"🔇 {text} {mutes_text(muted)}"), context(rest))


def muted_now(silences: Sequence[Silence], *, named: bool = True) -> list[BlockJson]:
    """Small print on what is muted now, by cluster if it is `named`; none without silences."""
    found = {each.cluster: [other for other in silences if other.cluster == each.cluster] for each in silences}
    lines = [f"🔇 {f'*{escape(name)}*: ' if named else ''}{_muted(held)}" for name, held in sorted(found.items())]
    more = [f"… and {len(lines) - MAX_WINDOWS} more clusters"] if len(lines) > MAX_WINDOWS else []
    return [context("\n".join((*lines[:MAX_WINDOWS], *more)) + ": `/cm silences`")] if lines else []


def _muted(held: Sequence[Silence]) -> str:
    windows = [
        f"maintenance window {code(each.window.name)} until {date(each.until, 'minute')}"
        for each in held
        if each.window is not None
    ]
    others = len(held) - len(windows)
    return listed([*windows, *([f"{count(others, 'silence')} in force"] if others else [])])


def with_muted(shown: Message, silences: Sequence[Silence]) -> Message:
    """The status of one cluster, with what is muted there now."""
    return message(shown.text, *shown.blocks, *muted_now(silences, named=False)) if silences else shown


def planned_line(held: Silence, what: str, now: float) -> str:
    """One planned silence in the list."""
    why = f" ({escape(held.reason)})" if held.reason else ""
    return (
        f"*#{held.id}* {what}, begins in {duration(held.begins - now)}, {date(held.begins, 'minute')}, "
        f"until {date(held.until, 'minute')}, {author_of(held)}{why}"
    )


def windows_blocks(windows: Sequence[Window], now: float) -> list[BlockJson]:
    """The maintenance windows of the settings, each with its next time; none without windows."""
    if not windows:
        return []
    lines = [f"• {_window_line(window, now)}" for window in windows[:MAX_WINDOWS]]
    more = [f"… and {len(windows) - MAX_WINDOWS} more"] if len(windows) > MAX_WINDOWS else []
    return [section("\n".join(("*Maintenance windows of the settings*", *lines, *more)))]


def _window_line(window: Window, now: float) -> str:
    occurrence = window.current(now)
    when = f"now, until {date(occurrence.until, 'minute')}" if occurrence else f"next {_next(window, now)}"
    why = f" ({escape(window.reason)})" if window.reason else ""
    return (
        f"{code(window.name)} of {escape(window.cluster)}: {days_text(window.weekdays)} at {window.start:%H:%M} "
        f"{escape(window.zone)} for {duration(window.length)}, {window_scope(window)}; {when}{why}"
    )


def _next(window: Window, now: float) -> str:
    found = window.next(now)
    return f"{date(found.begins, 'minute')} until {date(found.until, 'minute')}"


def days_text(weekdays: Sequence[int]) -> str:
    """Name weekdays: `every day`, `Monday to Friday`, `Saturday and Sunday`."""
    days = sorted(weekdays)
    if len(days) == len(WEEKDAYS):
        return "every day"
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:  # noqa: PLR2004 - two days are listed
        return f"{_DAYS[days[0]]} to {_DAYS[days[-1]]}"
    return listed([_DAYS[day] for day in days])

"""Messages about the maintenance of a host: its start, its end, and why it ended early. No I/O."""

import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from slackblocks import Button

from bot.alerting.maintenance import EndedMaintenance, LiftedMaintenance, LiftReason, MarginFell, OtherAlert
from bot.alerting.model import MaintenanceScope, Silence
from bot.alerting.silences import SilenceResult
from bot.interactions.message import Message
from bot.views import blocks
from bot.views.alert_text.table import sentence_of
from bot.views.blocks import code, context, count, date, duration, escape, message, section

MAINTENANCE_END = "maintenance_end"
"""Action of the button that ends a maintenance; its value is {"silence": id}."""
_MAX_ALERTS = 8


def muted_by_maintenance(held: Silence) -> str:
    """Name what a maintenance mutes, for lists of silences."""
    return f"what stopping {code(held.subject)} of {escape(held.cluster)} explains"


def maintenance_started(begun: SilenceResult) -> Message:
    """Announce a maintenance in the alert channel."""
    held = begun.silence
    verb = "extended" if begun.was else "started"
    why = f" ({escape(held.reason)})" if held.reason else ""
    sentence = (
        f"<@{escape(held.by)}> {verb} maintenance of {code(held.subject)} of {escape(held.cluster)} "
        f"until {date(held.until, 'minute')}{why}."
    )
    muted = _scope_text(held.scope) if held.scope is not None else ""
    mutes = f" It mutes {count(begun.mutes, 'open alert') if begun.mutes else 'no open alert'} now."
    rest = "It ends by itself, and early when anything else fails; then what it muted is announced."
    return message(sentence, section(f"🔧 {sentence} {muted}{mutes}"), context(rest), blocks.actions(end_button(held)))


def maintenance_begun(begun: SilenceResult) -> Message:
    """Confirm to a person that they started a maintenance; the alert channel has the whole message."""
    held = begun.silence
    verb = "extended" if begun.was else "started"
    sentence = (
        f"You {verb} maintenance of {code(held.subject)} of {escape(held.cluster)} "
        f"until {date(held.until, 'minute')}; the alert channel knows."
    )
    scope = f" {_scope_text(held.scope)}" if held.scope is not None else ""
    return message(sentence, section(f"{sentence}{scope}"))


def end_button(held: Silence) -> Button:
    """Return the button that ends a maintenance."""
    return blocks.button("End maintenance", MAINTENANCE_END, json.dumps({"silence": held.id}))


def _scope_text(scope: MaintenanceScope) -> str:
    parts = []
    if scope.peers:
        parts.append(f"{'peer' if len(scope.peers) == 1 else 'peers'} {', '.join(map(str, scope.peers))}")
    if scope.disks:
        parts.append(count(len(scope.disks), "disk"))
    promise = ""
    if scope.margin is not None:
        promise = (
            f" The worst volume on it can miss {count(scope.margin, 'more unit')} meanwhile."
            if scope.margin >= 0
            else " Some volumes on it cannot be read meanwhile."
        )
    return f"On it: {' and '.join(parts) or 'nothing that is known'}.{promise}"


def maintenance_over(ended: EndedMaintenance, by: str = "") -> Message:
    """Announce the end of a maintenance, by its time or `by` a person (Slack user id)."""
    held = ended.silence
    name = f"{code(held.subject)} of {escape(held.cluster)}"
    begins = f"<@{escape(by)}> ended the maintenance of {name}" if by else f"Maintenance of {name} ended"
    if ended.open_alerts:
        still = ", and the host is still away" if ended.away else ", and alerts about it are open"
        sentence = f"{begins}{still}."
        rest = "These alerts are announced now:"
        lines = [f"• {escape(sentence_of(alert))}" for alert in ended.open_alerts[:_MAX_ALERTS]]
        more = len(ended.open_alerts) - _MAX_ALERTS
        lines += [f"… and {more} more: `/cm alerts`"] if more > 0 else []
        return message(sentence, section(f"🔧 {sentence} {rest}\n" + "\n".join(lines)))
    if ended.pending:
        sentence = f"{begins}, and the host is still away." if ended.away else f"{begins}."
        return message(sentence, section(f"🔧 {sentence}"))
    scope = held.scope
    answers = ": it answers again" if scope is not None and scope.hosts else ": no disk of it is known to be silent"
    sentence = f"{begins}{answers}."
    return message(sentence, section(f"🔧 {sentence}"))


def maintenance_lifted(lifted: LiftedMaintenance) -> Message:
    """Announce that a maintenance ended early, and why."""
    held = lifted.silence
    sentence = (
        f"Maintenance of {code(held.subject)} of {escape(held.cluster)} ended early: "
        f"{escape(lift_reason_text(lifted.reason))}"
    )
    muted = "What its maintenance muted is announced now. " if lifted.muted else ""
    rest = f"Bring the host back first. {muted}Started by <@{escape(held.by)}>."
    return message(sentence, section(f"🔧 {sentence}"), context(rest))


def _other_alert(reason: OtherAlert) -> str:
    return f"something else fails. {sentence_of(reason.alert)}"


def _margin_fell(reason: MarginFell) -> str:
    if reason.left < 0:
        return (
            f"volume #{reason.vid} cannot be read while the host is away ({reason.promised} more units at the start)."
        )
    now = "no more units" if reason.left == 0 else f"only {count(reason.left, 'more unit')}"
    return f"with the host away, volume #{reason.vid} can miss {now} (at the start at least {reason.promised})."


_REASONS: Mapping[type[LiftReason], Callable[[Any], str]] = MappingProxyType(
    {OtherAlert: _other_alert, MarginFell: _margin_fell}
)


def lift_reason_text(reason: LiftReason) -> str:
    """Return why a maintenance ended early, as a clause; plain text, not escaped."""
    return _REASONS[type(reason)](reason)


def maintenance_ending(held: Silence) -> Message:
    """Confirm to a person that they ended a maintenance."""
    sentence = f"The maintenance of {code(held.subject)} of {escape(held.cluster)} is ended; the alert channel knows."
    return message(sentence, section(sentence))


def maintenance_line(held: Silence, mutes: int, now: float) -> str:
    """Return one maintenance in a line of mrkdwn."""
    why = f" ({escape(held.reason)})" if held.reason else ""
    return (
        f"🔧 {code(held.subject)} of {escape(held.cluster)} is in maintenance until {date(held.until, 'minute')} "
        f"({duration(held.until - now)} left), by <@{escape(held.by)}>{why}; it mutes {count(mutes, 'alert')}"
    )


def maintenances(held: Sequence[Silence], muted: Mapping[int, int], *, now: float) -> Message:
    """List the maintenances in force with the number of alerts that each mutes."""
    sentence = (
        f"{count(len(held), 'host')} {'is' if len(held) == 1 else 'are'} in maintenance."
        if held
        else "No host is in maintenance."
    )
    lines = [section(maintenance_line(each, muted.get(each.id, 0), now)) for each in held[: blocks.MAX_BLOCKS - 10]]
    which = "it" if len(held) == 1 else "one"
    end = [f"{code(f'/cm maintenance end {each.subject} {each.cluster}')} ends {which} early" for each in held[:1]]
    return message(sentence, section(f"*{sentence}*"), *lines, *map(context, end))

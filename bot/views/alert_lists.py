"""Lists of open alerts and silences, and the replies to people who act on them. No I/O."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bot.alerting.model import Alert, AlertState, Silence
from bot.alerting.rules.table import NEVER_WILDCARD_SILENCED
from bot.alerting.silences import EVERY_RULE, Lifted, SilenceResult
from bot.alerting.windows import Window
from bot.interactions.message import BlockJson, Message
from bot.views.alert_text.table import sentence_of
from bot.views.alerts import severity_mark, severity_word
from bot.views.blocks import code, context, count, date, duration, escape, message, section
from bot.views.folded import count_of, where_folded, with_it
from bot.views.holders import held_by, until
from bot.views.maintenance_text import maintenance_line, muted_by_maintenance
from bot.views.silence_times import (
    author_of,
    mutes_text,
    planned_line,
    quieted_by,
    window_scope,
    window_what,
    windows_blocks,
    would_mute,
)

MOST = 40
MAX_LEFT = 10


def alerts(
    found: Sequence[Alert],
    *,
    silences: int,
    now: float,
    maintenances: Sequence[Silence] = (),
    muted: Mapping[int, int] = MappingProxyType({}),
    cluster: str = "",
) -> Message:
    """List the open alerts with their numbers, of one `cluster` or of all; `silences` is the number in force.

    `maintenances` are in force too; `muted` has the number of alerts that each mutes, by its id.
    """
    if not found:
        sentence = f"No alert is open in {escape(cluster) or 'any cluster'}."
    else:
        quiet = sum(alert.notes.muted is not None for alert in found)
        quietly = f", {quiet:,} of them silenced" if quiet else ""
        where = f" in {escape(cluster)}" if cluster else ""
        sentence = f"{count_of(found)} {'is' if len(found) == 1 else 'are'} open{where}{quietly}."
    blocks: list[BlockJson] = [
        section(f"*{sentence}*"),
        *(section(_line(alert, now, found)) for alert in found[:MOST]),
    ]
    if len(found) > MOST:
        blocks.append(context(f"… and {len(found) - MOST} more"))
    if maintenances:
        shown = [maintenance_line(each, muted.get(each.id, 0), now) for each in maintenances[:MAX_LEFT]]
        more = (
            [f"… and {len(maintenances) - MAX_LEFT} more: `/cm maintenances`"] if len(maintenances) > MAX_LEFT else []
        )
        blocks.append(context("\n".join((*shown, *more))))
    if silences:
        blocks.append(context(f"{count(silences, 'silence')} in force: `/cm silences`"))
    if found and (first := found[0].id):
        blocks.append(
            context(f"{code(f'/cm alert {first}')} shows one in full, {code(f'/cm ack {first}')} acknowledges it")
        )
    return message(sentence, *blocks)


def _line(alert: Alert, now: float, alerts: Sequence[Alert]) -> str:
    mark, word = severity_mark(alert.severity), severity_word(alert.severity)
    held = f", {held_by(alert)}" if held_by(alert) else ""
    muted = f", {quieted_by(alert.notes.muted.by)} (#{alert.notes.muted.id})" if alert.notes.muted else ""
    muted += ", not announced" if alert.state is AlertState.PENDING else ""
    where = ", listed in a group message" if alert.notes.group is not None else ""
    where += where_folded(alert, alerts)
    return (
        f"{mark} *#{alert.id}* {word} · *{escape(alert.cluster)}* · {code(alert.rule)}\n"
        f"{escape(sentence_of(alert))}\nfor {duration(now - alert.since)}{held}{muted}{where}"
    )


def acknowledged(alert: Alert, before: str = "", *, folded: Sequence[Alert] = ()) -> Message:
    """Confirm an acknowledgement to the person who gave it.

    `before` is the holder from whom it was taken over; `folded` are the alerts acknowledged with it.
    """
    done = "You took over" if before else "You acknowledged"
    was = f" from <@{escape(before)}>, who is mentioned in its thread" if before else ""
    sentence = f"{escape(sentence_of(alert))}{with_it('With it', folded)}"
    text = f"{done} alert #{alert.id} in {escape(alert.cluster)}{was}{until(alert)}: {sentence}"
    ends = alert.notes.acked_until is not None
    quiet = "until then, unless it gets worse; then it fires for everyone again" if ends else "until it gets worse"
    return message(text, section(text), context(f"It stays quiet {quiet}. `/cm unack {alert.id}` gives it back."))


def given_back(alert: Alert) -> Message:
    """Confirm to a person that they gave an alert back."""
    text = f"You gave back alert #{alert.id} in {escape(alert.cluster)}: {escape(sentence_of(alert))}"
    return message(text, section(text), context("It fires for everyone again; its thread says so."))


def silenced(begun: SilenceResult, folded: Sequence[Alert] = ()) -> Message:
    """Announce a new or extended silence; `folded` are the alerts of the same message that are silenced with it."""
    held, mutes = begun.silence, begun.mutes
    spared, also = _spared(held), with_it("Silenced with it", folded)
    now = would_mute(mutes) if _planned(held) else "" if mutes is None else f" {mutes_text(mutes)}"
    done = f"extended silence #{held.id} of" if begun.was else "silenced"
    was = f", before only until {date(begun.was, 'minute')}" if begun.was else ""
    text = f"<@{escape(held.by)}> {done} {_what(held)} {_until(held)}{was}{_why(held)}.{now}{spared}{also}"
    rest = f"It ends by itself for an alert that gets worse. To end it early: `/cm unsilence {held.id}`"
    return message(text, section(text), context(rest))


def _spared(held: Silence) -> str:
    if held.rule != EVERY_RULE:
        return ""
    return f" It does not mute {', '.join(map(code, sorted(NEVER_WILDCARD_SILENCED)))}: name one to mute it."


def silence_begun(begun: SilenceResult) -> Message:
    """Confirm to a person that they began a silence; the alert channel has the whole message."""
    held = begun.silence
    verb = f"extended silence #{held.id} of" if begun.was else "silenced"
    now = would_mute(begun.mutes) if _planned(held) else f" {mutes_text(begun.mutes or 0)}"
    text = f"You {verb} {_what(held)} {_until(held)}; the alert channel knows.{now}{_spared(held)}"
    return message(text, section(text))


def silences(
    held: Sequence[Silence],
    *,
    now: float,
    planned: Sequence[Silence] = (),
    windows: Sequence[Window] = (),
    muted: Mapping[int, int] = MappingProxyType({}),
) -> Message:
    """List the silences in force, the planned ones, and the maintenance windows of the settings.

    `muted` has the number of open alerts that each mutes now, by its id.
    """
    sentence = f"{count(len(held), 'silence')} in force." if held else "Nothing is silenced."
    sentence += f" {count(len(planned), 'silence')} planned." if planned else ""
    lines = [
        section(
            f"*#{each.id}* {_what(each)}, {duration(each.until - now)} left, "
            f"until {_end(each)}, {author_of(each)}{_why(each)}. {mutes_text(muted.get(each.id, 0))}"
        )
        for each in held[:MOST]
    ]
    later = [section(planned_line(each, _what(each), now)) for each in planned[: MOST - len(lines)]]
    left = len(held) + len(planned) - len(lines) - len(later)
    more = [context(f"… and {left:,} more")] if left else []
    return message(
        sentence,
        section(f"*{sentence}*"),
        *lines,
        *later,
        *more,
        *_ends_early((*held, *planned)),
        *windows_blocks(windows, now),
    )


def _ends_early(held: Sequence[Silence]) -> list[BlockJson]:
    """How to end one of these silences; a maintenance has a separate command."""
    first = next((each for each in held if each.scope is None), None)
    which = "it" if len(held) == 1 else "one"
    return [context(f"{code(f'/cm unsilence {first.id}')} ends {which} early")] if first else []


def silence_lifted(done: Lifted) -> Message:
    """Confirm to a person that they lifted a silence; the alert channel has the whole message."""
    left = f"; {_still_mute(done.left)} some of the same alerts" if done.left else ""
    verb = "cancelled the planned" if done.planned else "lifted"
    text = f"You {verb} silence #{done.silence.id} of {_what(done.silence)}{left}; the alert channel knows."
    return message(text, section(text))


def lifted(done: Lifted, by: str) -> Message:
    """Announce that a person lifted a silence, and list the silences that still mute."""
    held, left = done.silence, done.left
    if done.planned:
        text = f"<@{escape(by)}> cancelled the planned silence #{held.id} of {_what(held)}; it never began."
        return message(text, section(text))
    begins = f"<@{escape(by)}> lifted silence #{held.id}"
    if not left:
        many = held.rule == EVERY_RULE or held.window is not None
        text = f"{begins}: {_what(held)} {'are' if many else 'is'} announced again."
        return message(text, section(text))
    text = f"{begins} of {_what(held)}, but {_still_mute(left)}:"
    rest = [f"#{each.id} mutes {_what(each)} {_until(each)}: `/cm unsilence {each.id}`" for each in left[:MAX_LEFT]]
    more = [f"… and {len(left) - MAX_LEFT} more: `/cm silences`"] if len(left) > MAX_LEFT else []
    whole = "\n".join((text, *rest, *more))
    return message(whole, section(whole))


def _still_mute(left: Sequence[Silence]) -> str:
    return f"{count(len(left), 'silence')} still {'mutes' if len(left) == 1 else 'mute'}"


def _what(held: Silence) -> str:
    if held.scope is not None:
        return muted_by_maintenance(held)
    if held.window is not None:
        return f"{window_scope(held.window)} ({window_what(held)})"
    about = f" ({code(held.subject)})" if held.subject else ""
    return f"{'all alerts' if held.rule == '*' else code(held.rule)}{about} of {escape(held.cluster)}"


def _planned(held: Silence) -> bool:
    return held.begins > held.created_at


def _until(held: Silence) -> str:
    begins = f"from {date(held.begins, 'minute')} " if _planned(held) else ""
    return f"{begins}until {_end(held)}"


def _end(held: Silence) -> str:
    with_it = f"alert #{held.alert} is resolved, at the latest " if held.alert else ""
    return f"{with_it}{date(held.until, 'minute')}"


def _why(held: Silence) -> str:
    return f" ({escape(held.reason)})" if held.reason else ""

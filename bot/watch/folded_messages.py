"""Messages of folded alerts: the message of the first alert of a cause, and the replies in its thread."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from bot.alerting.causes import is_loud, may_carry
from bot.alerting.folding import carried, severity_of
from bot.alerting.holding import HoldRefusal
from bot.alerting.model import Alert, Severity, Silence
from bot.alerting.rules.table import NEVER_WILDCARD_SILENCED
from bot.alerting.silences import SilenceResult, muted_under
from bot.alerting.transition import Transition, TransitionReason, Visibility
from bot.common.errors import Refused
from bot.common.message_key import MessageKey
from bot.store.unit_of_work import UnitOfWork
from bot.views.alert_text.table import alert_text
from bot.views.alerts import card, folded_reply
from bot.views.folded import moved_out
from bot.watch.alert_records import record

Begin = Callable[[UnitOfWork, Silence], Awaitable[SilenceResult]]
"""Stores a silence, or extends the equal one in force; raises Refused."""
HoldDecision = Callable[[Alert, float], Transition | HoldRefusal]
"""What an action of a person makes of an alert at a time (Unix seconds)."""
_REPLIES = frozenset({Visibility.POST, Visibility.REPLY, Visibility.REPLY_BROADCAST})


async def folded_of(uow: UnitOfWork, first: Alert) -> list[Alert]:
    """Return the alerts in the message of this one, open ones first; resolved ones since it was announced too."""
    if not may_carry(first.rule) or first.notes.folded is not None or first.notes.group is not None:
        return []
    return carried(first, await uow.alerts.folded(first.cluster, first.fired_at))


async def first_of(uow: UnitOfWork, alert: Alert) -> Alert | None:
    """Return the alert whose message has this one, also if that is resolved; None if it has its own."""
    where = alert.notes.folded
    return None if where is None else await uow.alerts.latest(alert.cluster, *where)


async def shown_now(uow: UnitOfWork, key: MessageKey) -> MessageKey:
    """Return the key of the alert that a message is about now: the one that took it over, if there is one."""
    alert = await uow.alerts.get(key.alert_id) if key.alert_id else None
    first = await first_of(uow, alert) if alert is not None and not alert.open else None
    return MessageKey.alert(first.id) if first is not None and first.message_id == key.alert_id else key


async def put_card(uow: UnitOfWork, first: Alert, channel: str) -> None:
    """Put the message of an alert with all alerts that are folded into it."""
    await uow.outbox.put(MessageKey.alert(first.message_id), channel, card(first, await folded_of(uow, first)))


async def publish_folded(uow: UnitOfWork, transitions: Sequence[Transition], channel: str) -> None:
    """Publish the saved transitions of one step that concern folded alerts: each message once, and the replies."""
    stepped = {each.new.pair: each for each in transitions if each.visibility is not Visibility.QUIET}
    shown: dict[int, Alert] = {}
    for each in stepped.values():
        before = None if each.old is None else await first_of(uow, each.old)
        first = await first_of(uow, each.new)
        if first is not None:
            shown[first.id] = first
            await _reply(uow, first, each, stepped, channel)
        if before is not None and (first is None or first.id != before.id):
            shown[before.id] = before
            await _say_moved(uow, before, each.new, first, channel)
    for first in shown.values():
        await put_card(uow, first, channel)


async def _reply(
    uow: UnitOfWork, first: Alert, transition: Transition, stepped: dict[tuple[str, str], Transition], channel: str
) -> None:
    """Reply in the thread of the first alert, unless its message says the same at this step."""
    new, key = transition.new, MessageKey.alert(transition.new.id)
    if not new.open:
        # Growth that was not posted yet is obsolete.
        await uow.outbox.drop_unposted(key.lines, loud=True)
    of_first = stepped.get(first.pair)
    posted_now = of_first is not None and of_first.visibility is Visibility.POST
    over_now = of_first is not None and not of_first.new.open and not new.open
    if transition.visibility not in _REPLIES or posted_now or over_now:
        return
    await uow.outbox.put(
        key.line(new.version),
        channel,
        folded_reply(transition),
        parent=MessageKey.alert(first.message_id),
        broadcast=await _broadcast(uow, first, transition),
    )


async def _broadcast(uow: UnitOfWork, first: Alert, transition: Transition) -> bool:
    """True if the channel is shown the reply: as the engine says, or for a new alert that changes the message."""
    new = transition.new
    if transition.visibility is not Visibility.POST:
        return transition.visibility is Visibility.REPLY_BROADCAST
    if transition.reason is TransitionReason.UNFOLDED:
        return True
    others = [each for each in await folded_of(uow, first) if each.id != new.id]
    more_severe = new.severity > severity_of(first, others)
    return new.severity is Severity.CRITICAL or more_severe or is_loud(first.rule, new.rule)


async def _say_moved(uow: UnitOfWork, before: Alert, new: Alert, first: Alert | None, channel: str) -> None:
    """Say in the thread where an alert was folded that another message has it now."""
    parent = MessageKey.alert(before.message_id)
    await uow.outbox.put(parent.moved(new.id), channel, moved_out(new, first), parent=parent)


async def silence_folded(uow: UnitOfWork, first: Alert, like: Silence, begin: Begin) -> list[Alert]:
    """Silence the open alerts in the message of this one, as `like` silences it; return them.

    Those that must be named to be muted stay as they are: the watch gives them a message of their own.
    """
    quiet = []
    for each in await folded_of(uow, first):
        if not each.open or each.rule in NEVER_WILDCARD_SILENCED:
            continue
        wanted = replace(
            like, rule=each.rule, subject=each.subject, weight=each.weight, alert=each.id if like.alert else 0
        )
        try:
            begun = await begin(uow, wanted)
        except Refused:
            # A silence that lasts longer holds already.
            continue
        quiet.append(muted_under(begun.silence, each))
        await uow.alerts.touch(quiet[-1], alert_text(quiet[-1]))
    return quiet


async def hold_folded(
    uow: UnitOfWork, first: Alert, decide: HoldDecision, now: float, channel: str
) -> list[Transition]:
    """Acknowledge, take over or give back the alerts in the message of this one with it; return the transitions.

    Those that another person holds than this one stay as they are. `first` is the alert as it was before. Its message
    shows the change.
    """
    with_it = [each for each in await folded_of(uow, first) if each.acked_by in {"", first.acked_by}]
    steps = [step for each in with_it if isinstance(step := decide(each, now), Transition)]
    # The reply about the first alert is enough.
    steps = [replace(step, visibility=Visibility.EDIT) for step in steps]
    for step in steps:
        await uow.alerts.save(step.new, alert_text(step.new))
    await record(uow, steps)
    await publish_folded(uow, steps, channel)
    return steps

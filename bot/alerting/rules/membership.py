"""Rules about who is a member: changes of the raft group that nobody made through the bot."""

from types import MappingProxyType

from bot.alerting.cluster_state.observations import MemberChange
from bot.alerting.model import Alert, Finding, Severity
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule, RuleConfig, RuleContext, Threshold, Unit
from bot.alerting.text import count, span
from bot.common.addresses import same_place


def _membership_changed(context: RuleContext, limits: RuleConfig) -> Answer:
    """Only what no operation caused: the card and the thread of an operation tell its effect already.

    They name who asked and who approved, in the operations channel, at the moment it is seen; an alert beside them
    would say the same thing twice and teach people to look away.
    """
    if context.snapshot.leader is None:
        return CANNOT_TELL
    edge = context.now - limits["window"]
    changes = [change for change in context.memory.member_changes if change.at > edge and not change.op]
    if not changes:
        return ()
    lines = tuple(_line(change) for change in reversed(changes)) if len(changes) > 1 else ()
    parts = [f"{change.peer}:{change.was}>{change.now}@{change.at:.3f}" for change in changes]
    return (
        Finding(
            "membership_changed",
            "",
            limits.severity,
            _sentence(context.cluster, changes),
            lines,
            weight=len(changes),
            data={"parts": parts},
        ),
    )


def _sentence(cluster: str, changes: list[MemberChange]) -> str:
    last = changes[-1]
    when = f"While cmbot was not looking (for {span(last.away)} at most), the" if last.away else "The"
    if len(changes) == 1:
        return f"{when} members of {cluster} changed, and not by an operation of cmbot: {_what(last)}."
    return (
        f"{when} members of {cluster} changed {len(changes)} times, and not by operations of cmbot; the last: "
        f"{_what(last)}."
    )


def _line(change: MemberChange) -> str:
    when = f", noticed after at most {span(change.away)} without a look" if change.away else ""
    return f"{_what(change)}{when}"


def _what(change: MemberChange) -> str:
    """A change as a clause without its cluster; addresses are raw, on one line."""
    where = f" ({change.host or change.host_was})" if change.host or change.host_was else ""
    if not change.was:
        return f"peer {change.peer}{where} joined as a {change.now}"
    if not change.now:
        return f"{change.was} {change.peer}{where} was removed"
    moved = f"moved from {change.host_was} to {change.host}"
    if change.was == change.now:
        return f"{change.was} {change.peer} {moved}"
    also = f" and {moved}" if change.host_was and change.host and not same_place(change.host_was, change.host) else ""
    return f"{change.was} {change.peer}{'' if also else where} became a {change.now}{also}"


def _settled(context: RuleContext, _: Alert) -> str:
    memory = context.memory
    has = " and ".join(
        words
        for words, number in (
            (count(len(memory.voters), "voter"), len(memory.voters)),
            (count(len(memory.learners), "learner"), len(memory.learners)),
        )
        if number
    )
    return f"The members of {context.cluster} have not changed again: it has {has or 'no members that are known'}."


MEMBERSHIP_CHANGED = Rule(
    key="membership_changed",
    about="A peer joined, left, changed its kind or its address, and no operation of cmbot caused it.",
    severity=Severity.WARNING,
    hold=0,
    clear=0,
    remind=0,
    looks=_membership_changed,
    resolved=_settled,
    thresholds=MappingProxyType(
        {"window": Threshold(3600, Unit.SECONDS, "so long a change stays open, and later ones are told with it")}
    ),
)

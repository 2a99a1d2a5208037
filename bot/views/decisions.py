"""Words of decisions: why an act is refused, and which approvals are missing. No I/O."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from bot.common.errors import Problem
from bot.operations import decisions as d
from bot.operations import policy as p
from bot.operations.decisions import Lacking
from bot.operations.policy import Lack, LackReason, Shortfall
from bot.views.text import count

_LACKS: Mapping[LackReason, str] = MappingProxyType(
    {
        LackReason.NOT_LISTED: "Slack did not list the user group {about}, so this is refused for now",
        LackReason.NO_HOLDERS: "`{about}` in the settings is empty: name users or user groups there",
        LackReason.NOT_IN_GROUP: "you are not in the user group {about}",
        LackReason.NOT_HELD: "you do not hold the role {about}",
    }
)


def _lacks(*lacks: Lack) -> str:
    clauses = (_LACKS[lack.reason].format(about=lack.about) for lack in lacks)
    return ", and ".join(dict.fromkeys(clauses))


def _proposer_lacks(refusal: p.ProposerLacks) -> str:
    return _sentence(f"{'`force=yes` is break-glass, and ' if refusal.glass else ''}{_lacks(refusal.lack)}")


def _no_approver(refusal: p.NoApprover) -> str:
    return f"There is no approver for this: name users or user groups under `{refusal.place}` in the settings."


def _other_channel(refusal: p.OtherChannel) -> str:
    if refusal.channels:
        return f"Propose this in {' or '.join(f'<#{name}>' for name in refusal.channels)} only."
    return "The policies for this have no channel in common: change `channels` under `policies` in the settings."


def _reason_missing(_: p.ReasonMissing) -> str:
    return 'This needs a reason: add `reason="…"`.'


def _not_waiting(refusal: d.NotWaiting) -> str:
    return f"Operation #{refusal.op} is already {refusal.state}, so this has no effect."


def _too_late(refusal: d.TooLate) -> str:
    return f"Operation #{refusal.op} has expired. Type the command again to propose it again."


def _may_not_cancel(refusal: d.MayNotCancel) -> str:
    return f"Only <@{refusal.requester}>, who proposed operation #{refusal.op}, or an admin may cancel it."


def _already_approved(refusal: d.AlreadyApproved) -> str:
    return f"You have already approved operation #{refusal.op}; it waits for another person."


def _own_operation(refusal: d.OwnOperation) -> str:
    act = "extend or keep it" if refusal.lease else "approve it"
    who = "An agent proposed operation #{} in your name" if refusal.agent else "You proposed operation #{}"
    return f"{who.format(refusal.op)}, so another person must {act}."


_ACTS: Mapping[Lacking, str] = MappingProxyType(
    {
        Lacking.APPROVE: "you may not approve operation #{op}",
        Lacking.APPROVE_OWN: "you proposed operation #{op} and cannot approve it",
        Lacking.REJECT: "only an approver of operation #{op} may reject it",
        Lacking.CHANGE_LEASE: "only an approver of operation #{op} may extend or keep it",
    }
)


def _decider_lacks(refusal: d.DeciderLacks) -> str:
    return _sentence(f"{_ACTS[refusal.act].format(op=refusal.op)}: {_lacks(*refusal.lacks)}")


def _lease_over(refusal: d.LeaseOver) -> str:
    return f"The lease of operation #{refusal.op} is over, so there is nothing to extend or keep."


def _lease_needs_more(refusal: d.LeaseNeedsMore) -> str:
    why = "was forced by break-glass"
    if not refusal.forced:
        why = f"needs more than your approval ({missing_text({each.source: each.approvals for each in refusal.short})})"
    return (
        f"Operation #{refusal.op} {why}, so no single person may extend or keep it. Propose the change again: without "
        "`for=` to keep it, with `for=` for more time."
    )


REFUSALS: Mapping[type[Problem], Callable[[Any], str]] = MappingProxyType(
    {
        p.ProposerLacks: _proposer_lacks,
        p.NoApprover: _no_approver,
        p.OtherChannel: _other_channel,
        p.ReasonMissing: _reason_missing,
        d.NotWaiting: _not_waiting,
        d.TooLate: _too_late,
        d.MayNotCancel: _may_not_cancel,
        d.AlreadyApproved: _already_approved,
        d.OwnOperation: _own_operation,
        d.DeciderLacks: _decider_lacks,
        d.LeaseOver: _lease_over,
        d.LeaseNeedsMore: _lease_needs_more,
    }
)
"""Words for each kind of refusal."""


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."


def missing_text(short: Mapping[str, int]) -> str:
    """Missing approvals as a phrase: "2 approvals by approver and 1 approval by admin"."""
    return " and ".join(f"{count(number, 'approval')} by {source}" for source, number in short.items())


def shortfall_text(found: Shortfall) -> str:
    """Why the approvals of a policy can never be complete, in a clause."""
    may = f"only {count(found.people, 'person', 'people')} can give one" if found.people else "no one can give one"
    others = " besides the requester" if found.others else ""
    return f"it needs {count(found.needed, 'approval')}, but {may}{others}"

"""Supersede: an approval is void once the cluster moved; a new operation takes over the card. No I/O."""

from dataclasses import replace

from bot.operations.model import ObservedState, Operation, OpState, advance
from bot.operations.policy import Policy, Terms
from bot.operations.preflight.verdict import CheckLevel, PreflightResult, changed_checks, changes_a_check
from bot.operations.step_facts import Difference, TakesOverBlocked, TakesOverCard


def has_moved(op: Operation, fresh: PreflightResult) -> bool:
    """True if an approval of what the card shows is void by now."""
    shown = op.seen.verdict
    return shown is None or fresh.blocked or changes_a_check(shown, fresh)


def difference_from(op: Operation, fresh: PreflightResult) -> Difference:
    """Compare the state that the card shows with a new one."""
    shown = op.seen.verdict
    if shown is None:
        return Difference(None, fresh.fingerprint)
    return Difference(shown.fingerprint, fresh.fingerprint, changed_checks(shown, fresh))


def replacement_of(
    op: Operation,
    seen: ObservedState,
    fresh: PreflightResult,
    difference: Difference,
    policy: Policy,
    *,
    now: float,
) -> Operation:
    """Make the operation that takes over the card: the same request under its own number, without approvals."""
    replacement = Operation(
        cluster=op.cluster,
        request=op.request,
        options=op.options,
        requester=op.requester,
        created_at=now,
        expires_at=now + policy.expires_after,
        seen=replace(seen, difference=difference),
        channel=op.channel,
        reason=op.reason,
        terms=Terms(policy, requester_counts=op.terms.requester_counts if op.terms else None),
        card=op.card_id,
        trace=op.trace,
    )
    if fresh.blocked:
        return advance(replacement, OpState.BLOCKED, at=now, fact=TakesOverBlocked(fresh.of_level(CheckLevel.BLOCK)))
    return advance(replacement, OpState.WAITING, at=now, fact=TakesOverCard(op.id))

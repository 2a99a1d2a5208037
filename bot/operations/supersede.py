"""Supersede: an approval is void once the cluster moved; a new operation takes over the card. No I/O."""

from collections.abc import Sequence
from dataclasses import replace

from bot.operations.model import ObservedState, Operation, OpState, advance
from bot.operations.policy import Policy, Terms
from bot.operations.preflight.verdict import PreflightResult, changes_a_check


def has_moved(op: Operation, fresh: PreflightResult) -> bool:
    """True if an approval of what the card shows is void by now."""
    shown = op.seen.verdict
    return shown is None or fresh.blocked or changes_a_check(shown, fresh)


def replacement_of(
    op: Operation,
    seen: ObservedState,
    fresh: PreflightResult,
    changed: Sequence[str],
    policy: Policy,
    *,
    now: float,
    text: str,
) -> Operation:
    """Make the operation that takes over the card: the same request under its own number, without approvals.

    `changed` are phrases on what changed, `text` is that of its first step.
    """
    replacement = Operation(
        cluster=op.cluster,
        request=op.request,
        options=op.options,
        requester=op.requester,
        created_at=now,
        expires_at=now + policy.expires_after,
        seen=replace(seen, difference=tuple(changed)),
        channel=op.channel,
        reason=op.reason,
        terms=Terms(policy, requester_counts=op.terms.requester_counts if op.terms else None),
        card=op.card_id,
    )
    return advance(replacement, OpState.BLOCKED if fresh.blocked else OpState.WAITING, at=now, text=text)

"""Supersede: an approval is void once the cluster moved; a new operation takes over the card. No I/O."""

from collections.abc import Sequence
from dataclasses import replace

from bot.operations.model import ObservedState, Operation, OpState, advance
from bot.operations.policy import Policy, Terms
from bot.operations.preflight.fingerprint import difference
from bot.operations.preflight.verdict import CheckLevel, PreflightResult, changed_checks, changes_a_check


def has_moved(op: Operation, fresh: PreflightResult) -> bool:
    """True if an approval of what the card shows is void by now."""
    shown = op.seen.verdict
    return shown is None or fresh.blocked or changes_a_check(shown, fresh)


def what_moved(op: Operation, fresh: PreflightResult) -> tuple[str, ...]:
    """Phrases on how the cluster differs from what the card shows; never empty."""
    shown = op.seen.verdict
    if shown is None:
        return ("an older release made the card",)
    found = difference(shown.fingerprint, fresh.fingerprint)
    return found or tuple(check.sentence.rstrip(".") for check in changed_checks(shown, fresh)) or ("checks differ",)


def replacement_of(
    op: Operation,
    seen: ObservedState,
    fresh: PreflightResult,
    changed: Sequence[str],
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
        seen=replace(seen, difference=tuple(changed)),
        channel=op.channel,
        reason=op.reason,
        terms=Terms(policy, requester_counts=op.terms.requester_counts if op.terms else None),
        card=op.card_id,
    )
    if fresh.blocked:
        why = " ".join(check.sentence for check in fresh.of_level(CheckLevel.BLOCK))
        return advance(replacement, OpState.BLOCKED, at=now, text=f"the cluster changed since: {why}")
    return advance(replacement, OpState.WAITING, at=now, text=f"replaces operation #{op.id}; no approvals yet")

"""When the cluster moved since a card was shown: whether an approval is void, what moved, and what follows."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.operations.approval_rules import Policy
from bot.operations.model import Operation, OpState, advance
from bot.operations.preflight.check import CheckLevel, difference
from bot.operations.preflight.verdict import PreflightResult, changed_checks, changes_a_check


def shown_verdict(op: Operation) -> PreflightResult | None:
    """The verdict that an operation's card shows; None where an older release kept none."""
    kept = op.seen.get("verdict")
    return PreflightResult.from_json(kept) if isinstance(kept, Mapping) else None


def has_moved(op: Operation, fresh: PreflightResult) -> bool:
    """Whether an approval given on what the card shows is void by now."""
    shown = shown_verdict(op)
    return shown is None or fresh.blocked or changes_a_check(shown, fresh)


def what_moved(op: Operation, fresh: PreflightResult) -> tuple[str, ...]:
    """How the cluster differs from what the card shows, in phrases; never empty."""
    shown = shown_verdict(op)
    if shown is None:
        return ("the card is one of an older release",)
    found = difference(shown.fingerprint, fresh.fingerprint)
    return found or tuple(check.sentence.rstrip(".") for check in changed_checks(shown, fresh)) or ("checks differ",)


def succeed(
    op: Operation,
    seen: Mapping[str, Any],
    fresh: PreflightResult,
    changed: Sequence[str],
    policy: Policy,
    *,
    now: float,
) -> Operation:
    """The operation that takes over the card: the same wish under a number of its own, approved by nobody yet."""
    replacement = Operation(
        cluster=op.cluster,
        kind=op.kind,
        request=op.request,
        requester=op.requester,
        created_at=now,
        expires_at=now + policy.expires_after,
        seen={**seen, "difference": list(changed)},
        channel=op.channel,
        reason=op.reason,
        terms=policy.to_json(),
        card=op.card_id,
    )
    if fresh.blocked:
        why = " ".join(check.sentence for check in fresh.of_level(CheckLevel.BLOCK))
        return advance(replacement, OpState.BLOCKED, at=now, words=f"the cluster moved since: {why}")
    return advance(
        replacement, OpState.WAITING, at=now, words=f"in the place of operation #{op.id}, approved by nobody yet"
    )

"""Policies: who may decide on an operation, and how long a card waits. Pure; the one policy table is POLICIES."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.operations.model import Operation, OpKind, OpState


@dataclass(frozen=True, slots=True)
class Policy:
    """Who confirms one kind of operation: `by_requester` lets only the one who proposed it do so."""

    by_requester: bool


POLICIES: Mapping[OpKind, Policy] = {OpKind.TASK_SWITCH: Policy(by_requester=True)}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a click does nothing, in one sentence for the one who clicked."""

    sentence: str


def refuse_decision(op: Operation, *, user: str, version: int, now: float, cancelling: bool) -> Refusal | None:
    """Why `user` may not confirm or cancel `op` with a button of that version now; None when they may."""
    if op.state is not OpState.WAITING or op.version != version:
        return Refusal(f"Operation {op.id} is {op.state} already, so this button no longer does anything.")
    if now >= op.expires_at:
        return Refusal(f"Operation {op.id} has expired. Type the command again to propose it anew.")
    if user == op.requester or not POLICIES[op.kind].by_requester:
        return None
    if cancelling:
        return Refusal(f"Only <@{op.requester}>, who proposed operation {op.id}, may cancel it.")
    return Refusal(f"Only <@{op.requester}>, who proposed operation {op.id}, may confirm it.")

"""Changes that the watch noticed, of whatever sort: which are new, and the memory that knows what caused them. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from bot.alerting.cluster_state.members import MemberChange
from bot.alerting.cluster_state.observations import SwitchChange
from bot.alerting.cluster_state.state import ClusterState, LeaderChange

Change = LeaderChange | MemberChange | SwitchChange
"""Each tells when it was noticed (`at`), the look before it (`before_at`), and which operation caused it (`op`)."""
Causes = Mapping[Change, tuple[int, str]]
"""The number of the operation that caused a change, and who approved it (Slack user ids, a space between)."""
NO_CAUSES: Causes = MappingProxyType({})
T = TypeVar("T", LeaderChange, MemberChange, SwitchChange)


def new_changes(past: ClusterState, memory: ClusterState) -> tuple[Change, ...]:
    """What `memory` has noticed that `past` had not."""
    before: tuple[Change, ...] = (*past.changes, *past.member_changes, *past.switch_changes)
    known = {_settled(change) for change in before}
    seen: tuple[Change, ...] = (*memory.changes, *memory.member_changes, *memory.switch_changes)
    return tuple(change for change in seen if _settled(change) not in known)


def _settled(change: Change) -> Change:
    """The change whether or not the new leader itself has confirmed it: that makes it no other change."""
    return replace(change, seen_by=0) if isinstance(change, LeaderChange) else change


def explained(memory: ClusterState, causes: Causes) -> ClusterState:
    """The memory whose changes name what caused them: the number of the operation, and who approved it.

    One request has one effect: what an operation caused already, it does not cause again.
    """

    def named(changes: tuple[T, ...]) -> tuple[T, ...]:
        spent = {change.op for change in changes if change.op}
        found = list(changes)
        for place, change in enumerate(changes):
            op, approved = causes.get(change, (0, ""))
            if op and op not in spent:
                found[place] = _named(change, op, approved)
                spent.add(op)
        return tuple(found)

    return replace(
        memory,
        changes=named(memory.changes),
        member_changes=named(memory.member_changes),
        switch_changes=named(memory.switch_changes),
    )


def _named(change: T, op: int, approved: str) -> T:
    return replace(change, op=op, approved=approved)

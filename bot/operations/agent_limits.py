"""How many changes agents may propose: few are open at a time, and only so many begin in an hour. No I/O."""

from collections.abc import Iterable

from bot.common.errors import Refused
from bot.operations.model import Operation
from bot.operations.operation_problems import AgentOperationsOpen, AgentProposalsLately

MAX_OPEN = 5
"""Operations of agents that are not ended at a time."""
MAX_AN_HOUR = 20
"""Operations that agents may begin in an hour, those that the checks refuse included; and their dry runs."""
HOUR = 3600.0
MAX_READ = 500
"""Operations of the last hour that are counted at most."""


def counts(op: Operation) -> bool:
    """True for what an agent proposed, without the parts of several disks and what ends a lease."""
    return op.options.agent and op.options.part_of is None and op.options.reverts is None


def refuse_too_many(open_now: Iterable[Operation], lately: Iterable[Operation]) -> None:
    """Refuse one more proposal of an agent beside these operations; raises Refused."""
    waiting = sum(map(counts, open_now))
    # What took over a card is no further proposal.
    begun = sum(counts(op) and not op.card for op in lately)
    if waiting >= MAX_OPEN:
        raise Refused(AgentOperationsOpen(waiting))
    if begun >= MAX_AN_HOUR:
        raise Refused(AgentProposalsLately(begun))

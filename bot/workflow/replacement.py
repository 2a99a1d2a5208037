"""A replacement, step by step: what is remembered of it, and the wish that its next step is. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from bot.clustermgr.health import voter_health
from bot.clustermgr.models import Snapshot
from bot.common.errors import UserError
from bot.interactions.command import Replacement
from bot.operations.change_request import ChangeRequest
from bot.operations.model import Operation, OpState
from bot.operations.replacement_plan import Step, next_step, replace_plan
from bot.operations.requests import MemberRemove


def was_caught_up(recent: Sequence[Operation], dead: int, new: int) -> bool:
    """Whether this replacement has removed its learner already, which it proposes only once that has caught up."""
    return any(
        op.state is OpState.VERIFIED and op.request == MemberRemove(new) and op.options.replaces == (dead, new)
        for op in recent
    )


def next_wish(
    wanted: Replacement, change_request: ChangeRequest, before: Snapshot | None, now: Snapshot, *, caught_up: bool
) -> tuple[tuple[Step, ...], ChangeRequest | None]:
    """The plan, and the wish of its next step: None where one only waits, or all is done, or nothing can be told.

    Raises UserError when the ids or addresses are not valid, or when the member to be replaced is not dead.
    """
    health = voter_health(before, now).get(wanted.dead)
    if health is not None and health.healthy:
        raise UserError(
            f"Peer {wanted.dead} is healthy, so it need not be replaced. To move it to another machine, add the new "
            f"node first and remove peer {wanted.dead} then."
        )
    steps = replace_plan(
        wanted.dead, wanted.new, wanted.host, wanted.node_host, before, now, learner_was_caught_up=caught_up
    )
    step = next_step(steps)
    if step is None or step.request is None:
        return steps, None
    options = replace(change_request.options, policy="member_replace", replaces=(wanted.dead, wanted.new))
    return steps, replace(change_request, request=step.request, options=options)

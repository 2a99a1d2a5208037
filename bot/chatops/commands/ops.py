"""/cm ops and /cm op: lists, cancels and settles operations."""

from collections.abc import AsyncIterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bot.chatops.commands.arguments import configured
from bot.chatops.commands.stat import NoArgs
from bot.interactions.command import Args, Call, Command, Offer, Reply, Scope
from bot.interactions.facts import OperationRows
from bot.interactions.notes import NoteKind, NoteSubject
from bot.permissions.roles import Role
from bot.views.ops_list import listed, shown, volumes

MAX_ID = (1 << 53) - 1
MAX_PAGE = 1000
_NUMBER = "the operation's number"


class OpsArgs(Args):
    """The operations to list."""

    state: Literal["open", "recent"] = Field("open", description="the open ones, or the last ones in any state")
    cluster: str = Field("", max_length=40, description="of this cluster only")


class OpArgs(Args):
    """The number of an operation."""

    words: ClassVar[tuple[str, ...]] = ("id",)
    id: int = Field(ge=1, le=MAX_ID, description=_NUMBER)


class VolumesArgs(OpArgs):
    """The number of an operation, and the page."""

    page: int = Field(1, ge=1, le=MAX_PAGE, description="which page, where there are several (1)")


class CancelArgs(OpArgs):
    """The operation that is cancelled."""

    id: Annotated[int, Offer.TO_CANCEL] = Field(ge=1, le=MAX_ID, description=_NUMBER)


class RejectArgs(OpArgs):
    """The operation, and why it is rejected."""

    id: Annotated[int, Offer.TO_REJECT] = Field(ge=1, le=MAX_ID, description=_NUMBER)
    reason: str = Field("", max_length=300, description="why, for its card and the audit log")


class SettleArgs(OpArgs):
    """The outcome, and how the admin knows it."""

    words = ("id", "outcome")
    id: Annotated[int, Offer.TO_SETTLE] = Field(ge=1, le=MAX_ID, description=_NUMBER)
    outcome: Literal["done", "not-done"] = Field(description="what an admin found out")
    reason: str = Field(min_length=3, max_length=300, description="how that is known")


async def run_ops(call: Call, args: OpsArgs) -> AsyncIterator[Reply]:
    """List operations."""
    open_only = args.state == "open"
    found = await call.operations.listed(args.cluster.lower() or None, open_only=open_only)
    if not found and args.cluster and not await call.operations.listed(args.cluster.lower(), open_only=False):
        # A cluster removed from the settings may still have operations; without any, the name is a mistake.
        configured(args.cluster, tuple(call.clusters))
    letters = await call.operations.undelivered()
    view = listed(found, open_only=open_only, now=call.now, undelivered=letters)
    yield Reply(view, private=False, facts=OperationRows(found, letters))


async def run_retry(call: Call, _: NoArgs) -> AsyncIterator[Reply]:
    """Retry the messages that Slack refused."""
    yield await call.operations.redeliver(call.caller)


async def run_op(call: Call, args: OpArgs) -> AsyncIterator[Reply]:
    """Show one operation."""
    op = await call.operations.shown(args.id)
    notes = await call.notes.of(NoteSubject(NoteKind.OPERATION, op.id)) if call.notes else ()
    yield Reply(shown(op, notes), private=False)


async def run_volumes(call: Call, args: VolumesArgs) -> AsyncIterator[Reply]:
    """List the volumes that an operation concerns."""
    yield Reply(volumes(await call.operations.shown(args.id), args.page), private=False)


async def run_cancel(call: Call, args: CancelArgs) -> AsyncIterator[Reply]:
    """Cancel a waiting operation."""
    yield await call.operations.cancel(call.caller, args.id)


async def run_reject(call: Call, args: RejectArgs) -> AsyncIterator[Reply]:
    """Reject a waiting operation."""
    yield await call.operations.reject(call.caller, args.id, reason=args.reason)


async def run_settle(call: Call, args: SettleArgs) -> AsyncIterator[Reply]:
    """Settle an operation with an unknown outcome."""
    done = args.outcome == "done"
    yield await call.operations.settle(call.caller, args.id, done=done, reason=args.reason)


OPS = Command(
    path=("ops",),
    summary="The open operations, or the last ones; and the messages that Slack refused.",
    args=OpsArgs,
    run=run_ops,
    scope=Scope.NO_CLUSTER,
    examples=("/cm ops", "/cm ops state=recent cluster=prod"),
)
RETRY = Command(
    path=("ops", "retry"),
    summary="Retry the messages that Slack refused, once the cause is fixed: /cm ops lists them.",
    args=NoArgs,
    run=run_retry,
    scope=Scope.NO_CLUSTER,
    role=Role.ADMIN,
    changes=True,
    examples=("/cm ops retry",),
)
OP = Command(
    path=("op",),
    summary="One operation: the state before it, its approvals, its outcome, the notes on it.",
    args=OpArgs,
    run=run_op,
    scope=Scope.NO_CLUSTER,
    examples=("/cm op 12",),
)
VOLUMES = Command(
    path=("op", "volumes"),
    summary="All volumes that a change of disks concerns: how many units each can lose, before and after.",
    args=VolumesArgs,
    run=run_volumes,
    scope=Scope.NO_CLUSTER,
    examples=("/cm op volumes 12", "/cm op volumes 12 page=2"),
    notes=(
        "The margins are those of the operation's last check, the smallest first. At most 4,000 volumes are stored by "
        "number; those with the largest margins beyond that are only counted."
    ),
)
CANCEL = Command(
    path=("op", "cancel"),
    summary="Cancel an operation that waits for approval: its requester may, and an admin.",
    args=CancelArgs,
    run=run_cancel,
    scope=Scope.NO_CLUSTER,
    role=Role.OPERATOR,
    changes=True,
    examples=("/cm op cancel 12",),
)
REJECT = Command(
    path=("op", "reject"),
    summary="Reject an operation that waits for approval, with a reason: those who may approve it may, and an admin.",
    args=RejectArgs,
    run=run_reject,
    scope=Scope.NO_CLUSTER,
    changes=True,
    examples=('/cm op reject 12 reason="after the audit"',),
    notes="The policy of the operation decides who may reject it; *Reject* on its card asks for the reason.",
)
SETTLE = Command(
    path=("op", "settle"),
    summary="Record the outcome of an operation whose outcome is unknown, so that others may follow it.",
    args=SettleArgs,
    run=run_settle,
    scope=Scope.NO_CLUSTER,
    role=Role.ADMIN,
    changes=True,
    examples=('/cm op settle 12 done reason="seen in the node\'s log"',),
    notes=(
        "cmbot settles most of them by itself: as done once the effect is seen, as not applied once one leader with a "
        "quorum has held for 60 s without it. Look at the cluster before you settle one: cmbot sees what its hosts "
        "answer now, not what is still on its way inside it. It looks again afterwards, and the card says where the "
        "cluster shows otherwise."
    ),
)

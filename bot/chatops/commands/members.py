"""/cm member add, remove and replace, /cm leader transfer: changes of the raft group, proposed on a card."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, create_model

from bot.common.errors import UserError
from bot.interactions.command import Args, Call, Command, Offer, Reply
from bot.operations.addresses import parse_address, parse_peer_id
from bot.operations.change_request import ChangeRequest, RequestOptions
from bot.operations.replacement_plan import Replacement
from bot.operations.request_problems import AddressKind, PeerIdUse
from bot.operations.requests import LeaderTransfer, MemberAdd, MemberRemove, Request
from bot.permissions.roles import Role

YesNo = Literal["yes", "no"]


class ChangeArgs(Args):
    """Arguments of every change."""

    reason: str = Field("", max_length=300, description="why, for those who read the card")
    dry_run: YesNo = Field("no", description="only say what the checks find: nothing is proposed")
    force: YesNo = Field("no", description="break-glass: let refused checks through; needs a reason and two approvers")


def change_request_of(args: ChangeArgs, request: Request, *, lease: float = 0.0, dialect: str = "") -> ChangeRequest:
    """Make a change request of a request and the arguments that every change takes."""
    options = RequestOptions(forced=args.force == "yes", lease=lease, dialect=dialect)
    return ChangeRequest(request, args.reason, options, dry_run=args.dry_run == "yes")


@contextmanager
def about(argument: str) -> Iterator[None]:
    """Attach the argument to a UserError raised inside."""
    try:
        yield
    except UserError as error:
        raise error.at(error.argument or argument) from error.__cause__


def _peer_id(text: str, argument: str, use: PeerIdUse = PeerIdUse.ADD) -> int:
    with about(argument):
        return parse_peer_id(text, use)


class PeerArgs(ChangeArgs):
    """The peer to change."""

    words: ClassVar[tuple[str, ...]] = ("peer_id",)
    peer_id: Annotated[str, Offer.PEER] = Field(description="the raft id, as /cm members lists them", max_length=60)


class TransferArgs(ChangeArgs):
    """The peer that is to lead."""

    words: ClassVar[tuple[str, ...]] = ("peer_id",)
    peer_id: Annotated[str, Offer.FOLLOWER] = Field(description="the raft id, as /cm members lists them", max_length=60)


class _AddArgs(ChangeArgs):
    words = ("peer_id", "host")
    peer_id: str = Field(description="a free raft id: /cm members lists those that are taken", max_length=60)
    host: str = Field(description="the node's raft address, name-or-ip:port", max_length=300)
    node: str = Field("", max_length=300, description="its service address, name-or-ip:port, which answers /stat")


# `as` is a word of the language, so that this field cannot be written as the others are.
_AS: Any = {"as": (Literal["learner", "normal"], Field("learner", description="learner first is the safe way"))}
AddArgs = create_model("AddArgs", __base__=_AddArgs, __doc__="The new node and its role.", **_AS)


class ReplaceArgs(ChangeArgs):
    """The member to replace, and its new node."""

    words = ("dead", "new", "host")
    dead: Annotated[str, Offer.PEER] = Field(description="the raft id of the member that is lost", max_length=60)
    new: str = Field(description="a free raft id for the new node", max_length=60)
    host: str = Field(description="the new node's raft address, name-or-ip:port", max_length=300)
    node: str = Field("", max_length=300, description="its service address, name-or-ip:port, which answers /stat")


async def run_add(call: Call, args: Any) -> AsyncIterator[Reply]:
    """Propose to add a member."""
    learner = getattr(args, "as") == "learner"
    peer_id = _peer_id(args.peer_id, "peer_id")
    with about("host"):
        host = parse_address(args.host, AddressKind.RAFT)
    with about("node"):
        request = MemberAdd(peer_id, host, args.node, learner=learner)
    yield await call.proposer.propose(call.caller, call.the_cluster, change_request_of(args, request))


async def run_remove(call: Call, args: PeerArgs) -> AsyncIterator[Reply]:
    """Propose to remove a member."""
    request = MemberRemove(_peer_id(args.peer_id, "peer_id", PeerIdUse.REMOVE))
    yield await call.proposer.propose(call.caller, call.the_cluster, change_request_of(args, request))


async def run_transfer(call: Call, args: TransferArgs) -> AsyncIterator[Reply]:
    """Propose to move leadership."""
    request = LeaderTransfer(_peer_id(args.peer_id, "peer_id", PeerIdUse.LEAD))
    yield await call.proposer.propose(call.caller, call.the_cluster, change_request_of(args, request))


async def run_replace(call: Call, args: ReplaceArgs) -> AsyncIterator[Reply]:
    """Show the plan of a replacement and propose its next step."""
    dead, new = _peer_id(args.dead, "dead", PeerIdUse.REMOVE), _peer_id(args.new, "new")
    with about("host"):
        host = parse_address(args.host, AddressKind.RAFT)
    with about("node"):
        node = parse_address(args.node, AddressKind.SERVICE) if args.node else ""
    change_request = change_request_of(args, MemberRemove(dead))
    yield await call.proposer.replace(call.caller, call.the_cluster, Replacement(dead, new, host, node), change_request)


_NOTES = (
    "cmbot polls all hosts twice, checks the effect of the change on the quorum, and posts a card in the cluster's "
    "operations channel. Nothing is sent before the card is approved and the checks have passed again."
)
ADD = Command(
    path=("member", "add"),
    summary="Add a member to the raft group, as a learner by default.",
    args=AddArgs,
    run=run_add,
    role=Role.OPERATOR,
    changes=True,
    examples=("/cm member add 4 10.0.0.4:10110 node=10.0.0.4:9998",),
    notes=_NOTES,
    manual="preflight.md",
)
REMOVE = Command(
    path=("member", "remove"),
    summary="Remove a member from the raft group; another person must approve it.",
    args=PeerArgs,
    run=run_remove,
    role=Role.OPERATOR,
    changes=True,
    examples=("/cm member remove 3", '/cm member remove 3 prod reason="disk lost" dry-run=yes'),
    notes=_NOTES,
    manual="preflight.md",
)
REPLACE = Command(
    path=("member", "replace"),
    summary="Replace a lost member by a new node, one approved step at a time.",
    args=ReplaceArgs,
    run=run_replace,
    role=Role.OPERATOR,
    changes=True,
    examples=("/cm member replace 3 4 10.0.0.4:10110 node=10.0.0.4:9998",),
    notes=(
        "Shows the plan and proposes its next step: the lost member is removed, the new node is added as a learner, "
        "catches up, is removed again (a learner cannot be promoted in place) and added as a voter. Each step is an "
        "operation with its own approval; type the same command again for the next one."
    ),
    manual="preflight.md",
)
TRANSFER = Command(
    path=("leader", "transfer"),
    summary="Move leadership to another voter.",
    args=TransferArgs,
    run=run_transfer,
    role=Role.OPERATOR,
    changes=True,
    examples=("/cm leader transfer 2", "/cm leader transfer 2 prod dry-run=yes"),
    notes=_NOTES,
    manual="preflight.md",
)

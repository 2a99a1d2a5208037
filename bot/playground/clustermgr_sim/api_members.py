"""Members and leadership: what the servers check, and what they do not."""

from bot.playground.clustermgr_sim import args as a
from bot.playground.clustermgr_sim.answer import ILLEGAL, Answer, ApiError, ok
from bot.playground.clustermgr_sim.endpoints import Args, Change, Context, Endpoint
from bot.playground.clustermgr_sim.nodes import Member

_LEARNER, _NORMAL = 1, 2


def _add(context: Context, args: Args) -> Change:
    peer_id, host, node_host = args["peer_id"], args["host"], args["node_host"]
    if args["member_type"] not in {_LEARNER, _NORMAL}:
        raise ApiError(*ILLEGAL)
    members = context.raft.members
    if peer_id in members or any(member.raft_host == host for member in members.values()):
        raise ApiError(910, "duplicated member info")
    if context.flavour.node_host_required and not node_host:
        raise ApiError(*ILLEGAL)
    member = Member(peer_id, host, node_host, learner=args["member_type"] == _LEARNER)
    return Change(lambda: context.raft.add_member(member), context.flavour.member_timeout)


def _remove(context: Context, args: Args) -> Change:
    peer_id = args["peer_id"]
    if peer_id not in context.raft.members:
        raise ApiError(*ILLEGAL)
    if peer_id == context.node.node_id:
        raise ApiError(400, "Request Not Allow")
    return Change(lambda: context.raft.remove_member(peer_id), context.flavour.member_timeout)


def _transfer(context: Context, args: Args) -> Answer:
    if args["peer_id"] not in context.raft.members:
        raise ApiError(*ILLEGAL)
    context.raft.start_transfer(context.node, args["peer_id"])
    return ok()


ENDPOINTS = (
    Endpoint("POST", "/member/add", a.ADD_MEMBER, _add),
    Endpoint("POST", "/member/remove", a.REMOVE_MEMBER, _remove),
    Endpoint("POST", "/leadership/transfer", a.REMOVE_MEMBER, _transfer),
)

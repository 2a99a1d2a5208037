"""The calls of the API beside /stat, release by release, and the pages beside the API."""

import base64
from dataclasses import replace
from typing import Any

from bot.playground.clustermgr_sim import args as a
from bot.playground.clustermgr_sim.answer import ILLEGAL, PLAIN, Answer, ApiError, json_answer, ok
from bot.playground.clustermgr_sim.data import check_delete, check_set
from bot.playground.clustermgr_sim.disks import Disk, select
from bot.playground.clustermgr_sim.endpoints import KV_PREFIX, Args, Change, Context, Endpoint
from bot.playground.clustermgr_sim.nodes import Member
from bot.playground.clustermgr_sim.volume_api import VOLUME_ENDPOINTS

_DEFAULT_COUNT = 10


def _config_get(context: Context, args: Args) -> Answer:
    return json_answer(context.data.read_key(args["key"], context.flavour))


def _config_list(context: Context, _args: Args) -> Answer:
    return json_answer({"configs": context.data.every_key()})


def _config_set(context: Context, args: Args) -> Change:
    key, value = args["key"], args["value"]
    check_set(key, context.flavour)
    kv = context.raft.data.kv
    return Change(lambda: kv.__setitem__(key, value), context.flavour.config_timeout)


def _config_delete(context: Context, args: Args) -> Answer | Change:
    key, kv = args["key"], context.raft.data.kv
    check_delete(key, context.flavour)
    if key not in kv:
        return ok()
    return Change(lambda: kv.__delitem__(key), context.flavour.config_timeout)


def _encoded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def _kv_list(context: Context, args: Args) -> Answer:
    count = args["count"] or _DEFAULT_COUNT
    found = [key for key in sorted(context.data.kv) if key and key > args["marker"] and key.startswith(args["prefix"])]
    page = found[: max(count, 1)]
    rows = [{"key": key, "value": _encoded(context.data.kv[key])} for key in page]
    return json_answer({"kvs": rows, "marker": page[-1] if len(found) > len(page) else ""})


def _kv_get(context: Context, _args: Args) -> Answer:
    value = context.data.kv.get(context.path.removeprefix(KV_PREFIX))
    if value is None:
        raise ApiError(404, "Not Found")
    return json_answer({"value": _encoded(value)})


_CONFIG = (
    Endpoint("GET", "/config/get", a.CONFIG, _config_get),
    Endpoint("GET", "/config/list", a.NOTHING, _config_list, only=lambda flavour: flavour.config_list),
    Endpoint("POST", "/config/set", a.CONFIG_SET, _config_set),
    Endpoint("POST", "/config/delete", a.CONFIG, _config_delete, in_query=True),
    Endpoint("GET", "/kv/list", a.KV_LIST, _kv_list, only=lambda flavour: flavour.has_kv),
    Endpoint("GET", KV_PREFIX, a.NOTHING, _kv_get, only=lambda flavour: flavour.has_kv),
)


def _disk_page(context: Context, disks: list[Disk], marker: int) -> Answer:
    return json_answer({"disks": [disk.to_wire(context.flavour) for disk in disks], "marker": marker})


def _disk_list(context: Context, args: Args) -> Answer:
    disks = context.data.disks
    if (args["rack"] and not args["idc"]) or (args["marker"] and args["marker"] not in disks):
        raise ApiError(*ILLEGAL)
    found = select(disks.values(), args)
    if not found and context.flavour.no_disks_is_null:
        return json_answer({"disks": None, "marker": 0})
    return _disk_page(context, found, found[-1].disk_id if found else 0)


def _disks_dropping(context: Context, _args: Args) -> Answer:
    found = [disk for disk in context.data.disks.values() if disk.dropping]
    return _disk_page(context, found, 0) if found else json_answer({"disks": None, "marker": 0})


def _disk_info(context: Context, args: Args) -> Answer:
    return json_answer(context.data.disk(args["disk_id"]).to_wire(context.flavour))


# The leader tries each step on a copy of the disk (`replace`) before it proposes the change.


def _disk_set(context: Context, args: Args) -> Change:
    disk, status = context.raft.data.disk(args["disk_id"]), args["status"]
    replace(disk).set_status(status, context.flavour)
    return Change(lambda: setattr(disk, "status", status))


def _disk_access(context: Context, args: Args) -> Change:
    disk, readonly = context.raft.data.disk(args["disk_id"]), args["readonly"]
    replace(disk).set_readonly(readonly, context.flavour)
    return Change(lambda: setattr(disk, "readonly", readonly))


def _disk_drop(context: Context, args: Args) -> Change:
    disk = context.raft.data.disk(args["disk_id"])
    replace(disk).drop(context.flavour)
    return Change(lambda: setattr(disk, "dropping", True))


def _disk_dropped(context: Context, args: Args) -> Change:
    data = context.raft.data
    disk = data.check_dropped(args["disk_id"])
    return Change(disk.finish_drop)


def _node_info(context: Context, args: Args) -> Answer:
    disk, dropped = context.data.disks_of(args["node_id"])[0], args["node_id"] in context.data.dropped
    row = {"node_id": disk.node_id, "node_set_id": 2, "cluster_id": 1, "disk_type": 1, "idc": disk.idc}
    return json_answer(row | {"rack": disk.rack, "host": disk.host, "role": 1, "status": 2 if dropped else 1})


def _node_drop(context: Context, args: Args) -> Change:
    data, node_id = context.raft.data, args["node_id"]
    data.to_drop(node_id, context.flavour)
    return Change(lambda: data.drop_node(node_id, context.flavour))


def _topology(context: Context, _args: Args) -> Answer:
    disks = context.data.disks.values()
    sets: dict[str, Any] = {}
    if disks:
        by_set: dict[str, list[int]] = {}
        for disk in disks:
            by_set.setdefault(str(disk.disk_set_id), []).append(disk.disk_id)
        nodes = sorted({disk.node_id for disk in disks})
        sets = {"hdd": {"2": {"id": 2, "number": len(nodes), "nodes": nodes, "disk_sets": by_set}}}
    current = 2 if disks else 1
    if not context.flavour.sets_by_kind:
        return json_answer({"cur_node_set_id": current, "cur_disk_set_id": current, "all_node_sets": sets})
    by_kind = {"blobnode": current}
    return json_answer({"cur_node_set_ids": by_kind, "cur_disk_set_ids": by_kind, "all_node_sets": {"blobnode": sets}})


_DISKS = (
    Endpoint("GET", "/disk/list", a.DISK_LIST, _disk_list),
    Endpoint("GET", "/disk/info", a.DISK_INFO, _disk_info),
    Endpoint("GET", "/disk/droppinglist", a.NOTHING, _disks_dropping),
    Endpoint("POST", "/disk/set", a.DISK_SET, _disk_set),
    Endpoint("POST", "/disk/access", a.DISK_ACCESS, _disk_access),
    Endpoint("POST", "/disk/drop", a.DISK_ID, _disk_drop),
    Endpoint("POST", "/disk/dropped", a.DISK_ID, _disk_dropped),
    Endpoint("GET", "/node/info", a.NODE_INFO, _node_info, only=lambda flavour: flavour.has_topology),
    Endpoint("POST", "/node/drop", a.NODE_ID, _node_drop, only=lambda flavour: flavour.has_topology),
    Endpoint("GET", "/topo/info", a.NOTHING, _topology, only=lambda flavour: flavour.has_topology),
)


_LEARNER, _NORMAL = 1, 2


def _member_add(context: Context, args: Args) -> Change:
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


def _member_remove(context: Context, args: Args) -> Change:
    peer_id = args["peer_id"]
    if peer_id not in context.raft.members:
        raise ApiError(*ILLEGAL)
    if peer_id == context.node.node_id:
        raise ApiError(400, "Request Not Allow")
    return Change(lambda: context.raft.remove_member(peer_id), context.flavour.member_timeout)


def _transfer_leadership(context: Context, args: Args) -> Answer:
    if args["peer_id"] not in context.raft.members:
        raise ApiError(*ILLEGAL)
    context.raft.start_transfer(context.node, args["peer_id"])
    return ok()


_MEMBERS = (
    Endpoint("POST", "/member/add", a.ADD_MEMBER, _member_add),
    Endpoint("POST", "/member/remove", a.REMOVE_MEMBER, _member_remove),
    Endpoint("POST", "/leadership/transfer", a.REMOVE_MEMBER, _transfer_leadership),
)


def _services(context: Context, args: Args) -> Answer:
    wanted = args.get("name", "")
    rows = [service.to_wire() for service in context.data.services if wanted in {"", service.name}]
    return json_answer({"nodes": rows or None})


def _constant(value: Any) -> Any:
    return lambda _context, _args: json_answer(value)


_REST = (
    Endpoint("GET", "/service/list", a.NOTHING, _services),
    Endpoint("GET", "/service/get", a.SERVICE, _services),
    Endpoint(
        "GET",
        "/shardnode/topo/info",
        a.NOTHING,
        _constant({"cur_node_set_id": 1, "cur_disk_set_id": 1, "all_node_sets": {}}),
        only=lambda flavour: flavour.has_shard_nodes,
    ),
    Endpoint(
        "GET",
        "/shardnode/disk/list",
        a.NOTHING,
        _constant({"disks": None, "marker": 0}),
        only=lambda flavour: flavour.has_shard_nodes,
    ),
)


_USAGE = """usage:
	/

vars:
	/debug/vars
	/debug/var/*

pprof:
	/debug/pprof/
	/debug/pprof/cmdline
	/debug/pprof/profile
	/debug/pprof/symbol
	/debug/pprof/trace

metrics:
	/metrics

users:
	/log/level
	/log/level"""

_METRICS = """
# HELP go_gc_duration_seconds A summary of the pause duration of garbage collection cycles.
# TYPE go_gc_duration_seconds summary
go_gc_duration_seconds{quantile="0"} 0.00011766
go_gc_duration_seconds{quantile="0.25"} 0.00011766
go_gc_duration_seconds{quantile="0.5"} 0.00011766
go_gc_duration_seconds{quantile="0.75"} 0.00011766
go_gc_duration_seconds{quantile="1"} 0.00011766
go_gc_duration_seconds_sum 0.00011766
go_gc_duration_seconds_count 1
"""


def page(path: str, reported: str = "") -> Answer | None:
    """The page at `path`, None if there is none; metrics, with those that were reported, are sent chunked."""
    if path == "/":
        return Answer(200, _USAGE, (("Content-Type", PLAIN),))
    if path == "/metrics":
        kind = ("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        return Answer(200, _METRICS + reported, (kind,), chunked=True)
    return None


ENDPOINTS = (*_CONFIG, *_MEMBERS, *_DISKS, *VOLUME_ENDPOINTS, *_REST)

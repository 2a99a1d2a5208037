"""Services, topology and the calls about volumes, which this cluster answers as an empty one does."""

from typing import Any

from bot.playground.clustermgr_sim import args as a
from bot.playground.clustermgr_sim.answer import Answer, ApiError, json_answer, ok
from bot.playground.clustermgr_sim.disks import unit_rows
from bot.playground.clustermgr_sim.endpoints import Args, Context, Endpoint

_IDLE = 1


def _services(context: Context, args: Args) -> Answer:
    wanted = args.get("name", "")
    rows = [service.to_wire() for service in context.data.services if wanted in {"", service.name}]
    return json_answer({"nodes": rows or None})


def _node_info(context: Context, args: Args) -> Answer:
    for disk in context.data.disks.values():
        if disk.node_id == args["node_id"]:
            row = {"node_id": disk.node_id, "node_set_id": 2, "cluster_id": 1, "disk_type": 1, "idc": disk.idc}
            return json_answer(row | {"rack": disk.rack, "host": disk.host, "role": 1, "status": 1})
    raise ApiError(934, "node not found")


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
    return json_answer({"cur_node_set_id": current, "cur_disk_set_id": current, "all_node_sets": sets})


def _constant(value: Any) -> Any:
    return lambda _context, _args: json_answer(value)


def _nothing(_context: Context, _args: Args) -> Answer:
    return ok()


def _volume(_context: Context, _args: Args) -> Answer:
    raise ApiError(904, "volume not exist")


def _volumes_v2(_context: Context, args: Args) -> Answer:
    if args["status"] == _IDLE:
        raise ApiError(931, "list volume v2 not support idle status")
    return ok()


def _units(context: Context, args: Args) -> Answer:
    disk = context.data.disks.get(args["disk_id"])
    return json_answer({"volume_unit_infos": unit_rows(disk) if disk is not None else []})


def _alloc(_context: Context, args: Args) -> Answer:
    if not args["is_init"]:
        raise ApiError(917, "no available volume")
    return json_answer({"alloc_volume_infos": None})


ENDPOINTS = (
    Endpoint("GET", "/service/list", a.NOTHING, _services),
    Endpoint("GET", "/service/get", a.SERVICE, _services),
    Endpoint("GET", "/node/info", a.NODE_INFO, _node_info, only=lambda flavour: flavour.has_topology),
    Endpoint("GET", "/topo/info", a.NOTHING, _topology, only=lambda flavour: flavour.has_topology),
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
    Endpoint("GET", "/volume/list", a.VOLUME_LIST, _nothing),
    Endpoint("GET", "/v2/volume/list", a.VOLUME_V2, _volumes_v2),
    Endpoint("GET", "/volume/get", a.VOLUME_GET, _volume),
    Endpoint("GET", "/volume/allocated/list", a.NOTHING, _constant({"alloc_volume_infos": None})),
    Endpoint("GET", "/volume/unit/list", a.UNITS, _units),
    Endpoint("POST", "/volume/alloc", a.ALLOC, _alloc),
)

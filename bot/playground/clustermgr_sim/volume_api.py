"""The calls about volumes and their units."""

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

from bot.playground.clustermgr_sim import args as a
from bot.playground.clustermgr_sim import disks as d
from bot.playground.clustermgr_sim.answer import ILLEGAL, Answer, ApiError, json_answer, ok
from bot.playground.clustermgr_sim.endpoints import Args, Change, Context, Endpoint
from bot.playground.clustermgr_sim.volumes import (
    ACTIVE,
    CODE_MODES,
    IDLE,
    UNLOCKING,
    Unit,
    Volume,
    unit_row,
    volume_row,
)

_LEASE = 86_400.0
_NEAR = 2
"""The dashboard calls a volume that can lose fewer units "at risk"."""
_NANOSECONDS = 10**9


def _rows(context: Context, volumes: list[Volume]) -> list[dict[str, Any]]:
    data = context.data
    hosts = {disk.disk_id: disk.host for disk in data.disks.values()}
    return [volume_row(volume, hosts, data.health(volume), context.flavour) for volume in volumes]


def _get(context: Context, args: Args) -> Answer:
    return json_answer(_rows(context, [context.data.volumes.get(args["vid"])])[0])


def _list(context: Context, args: Args) -> Answer:
    found = [volume for volume in context.data.volumes if volume.vid > args["marker"]][: max(args["count"], 0)]
    return json_answer({"volumes": _rows(context, found), "marker": found[-1].vid}) if found else ok()


def _list_by_status(context: Context, args: Args) -> Answer:
    if args["status"] == IDLE:
        raise ApiError(931, "list volume v2 not support idle status")
    if not IDLE < args["status"] <= UNLOCKING:
        raise ApiError(*ILLEGAL)
    found = [volume for volume in context.data.volumes if volume.status == args["status"]]
    return json_answer({"volumes": _rows(context, found), "marker": 0}) if found else ok()


def _units(context: Context, args: Args) -> Answer:
    volumes = context.data.volumes
    rows = [unit_row(unit, volumes.get(unit.vid).unit_used) for unit in volumes.units_of(args["disk_id"])]
    return json_answer({"volume_unit_infos": rows})


def _allocate(context: Context, args: Args) -> Answer | Change:
    if args["is_init"]:
        return json_answer({"alloc_volume_infos": None})
    data = context.raft.data
    usable = [
        volume
        for volume in data.volumes
        if volume.status == IDLE and volume.code_mode == args["code_mode"] and not data.health(volume)
    ]
    chosen = [replace(volume, status=ACTIVE) for volume in usable[: args["count"]]]
    if not chosen:
        raise ApiError(917, "no available volume")

    def apply() -> None:
        for volume in chosen:
            data.volumes.put(volume)
        data.volumes.can_alloc = max(0, data.volumes.can_alloc - len(chosen))

    expires = int((context.raft.now + _LEASE) * _NANOSECONDS)
    leases = [row | {"token": f"127.0.0.1;{row['vid']}", "expire_time": expires} for row in _rows(context, chosen)]
    return Change(apply, answer=lambda: json_answer({"alloc_volume_infos": leases}))


def _allocate_unit(context: Context, args: Args) -> Answer:
    data = context.raft.data
    place = data.place_for(data.volumes.unit(args["vuid"]))
    if place is None:
        raise ApiError(917, "no available volume")
    return json_answer({"vuid": args["vuid"] + 1, "disk_id": place.disk_id})


def _update(context: Context, args: Args) -> Change:
    data = context.raft.data
    old, target = data.volumes.unit(args["old_vuid"]), data.disk(args["new_disk_id"])
    if args["new_vuid"] <= old.vuid:
        raise ApiError(919, "update volume unit, new vuid not match")
    return Change(lambda: data.volumes.replace_unit(old, Unit(args["new_vuid"], target.disk_id)))


def _set_compacting(context: Context, args: Args) -> Change:
    data = context.raft.data
    unit = data.volumes.unit(args["vuid"])
    return Change(lambda: data.volumes.replace_unit(unit, replace(unit, compacting=args["compact"])))


def _dashboard(context: Context, _args: Args) -> Answer:
    """The shape as the source of 2026 has it in outline; where "at risk" begins is a choice of this simulation."""
    data, left = context.data, Counter[str]()
    for volume in data.volumes:
        mode = CODE_MODES.get(volume.code_mode)
        bad = sum(data.disks[unit.disk_id].status in {d.BROKEN, d.REPAIRING} for unit in volume.units)
        spare = (mode.parity or mode.data - 1) - bad if mode else 0
        left["safe" if not bad else "data_loss" if spare < 0 else "at_risk" if spare < _NEAR else "degraded"] += 1
    safety = {f"{name}_volumes": left[name] for name in ("safe", "degraded", "at_risk", "data_loss")}
    expired: defaultdict[str, list[int]] = defaultdict(list)
    for disk in data.disks.values():
        if disk.expired and d.is_available(disk):
            expired[disk.host].append(disk.disk_id)
    service = {"expired_by_node": expired, "offline_nodes": []}
    return json_answer({"volume_safety": {**safety, "unsafe_details": None}, "service": service})


VOLUME_ENDPOINTS = (
    Endpoint("GET", "/cluster/dashboard", a.NOTHING, _dashboard, only=lambda flavour: flavour.has_dashboard),
    Endpoint("GET", "/volume/list", a.VOLUME_LIST, _list),
    Endpoint("GET", "/v2/volume/list", a.VOLUME_V2, _list_by_status),
    Endpoint("GET", "/volume/get", a.VOLUME_GET, _get),
    Endpoint(
        "GET", "/volume/allocated/list", a.NOTHING, lambda _context, _args: json_answer({"alloc_volume_infos": None})
    ),
    Endpoint("GET", "/volume/unit/list", a.UNITS, _units),
    Endpoint("POST", "/volume/alloc", a.ALLOC, _allocate),
    Endpoint("POST", "/volume/unit/alloc", a.UNIT_ALLOC, _allocate_unit),
    Endpoint("POST", "/volume/update", a.VOLUME_UPDATE, _update),
    Endpoint("POST", "/chunk/set/compact", a.COMPACT, _set_compacting),
)

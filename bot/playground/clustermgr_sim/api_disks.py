"""Disks: reading them, and the steps of their lives."""

from bot.playground.clustermgr_sim import args as a
from bot.playground.clustermgr_sim.answer import ILLEGAL, Answer, ApiError, json_answer
from bot.playground.clustermgr_sim.disks import Disk, select
from bot.playground.clustermgr_sim.endpoints import Args, Change, Context, Endpoint


def _page(context: Context, disks: list[Disk], marker: int) -> Answer:
    return json_answer({"disks": [disk.to_wire(context.flavour) for disk in disks], "marker": marker})


def _list(context: Context, args: Args) -> Answer:
    disks = context.data.disks
    if (args["rack"] and not args["idc"]) or (args["marker"] and args["marker"] not in disks):
        raise ApiError(*ILLEGAL)
    found = select(disks.values(), args)
    if not found and context.flavour.no_disks_is_null:
        return json_answer({"disks": None, "marker": 0})
    return _page(context, found, found[-1].disk_id if found else 0)


def _dropping(context: Context, _args: Args) -> Answer:
    found = [disk for disk in context.data.disks.values() if disk.dropping]
    return _page(context, found, 0) if found else json_answer({"disks": None, "marker": 0})


def _info(context: Context, args: Args) -> Answer:
    return json_answer(context.data.disk(args["disk_id"]).to_wire(context.flavour))


def _trial(disk: Disk) -> Disk:
    """A copy to try a step on before raft is asked, as the leader checks before it proposes."""
    return Disk(disk.disk_id, status=disk.status, readonly=disk.readonly, dropping=disk.dropping)


def _set(context: Context, args: Args) -> Change:
    disk, status = context.raft.data.disk(args["disk_id"]), args["status"]
    _trial(disk).set_status(status, context.flavour)
    return Change(lambda: setattr(disk, "status", status))


def _access(context: Context, args: Args) -> Change:
    disk, readonly = context.raft.data.disk(args["disk_id"]), args["readonly"]
    _trial(disk).set_readonly(readonly, context.flavour)
    return Change(lambda: setattr(disk, "readonly", readonly))


def _drop(context: Context, args: Args) -> Change:
    disk = context.raft.data.disk(args["disk_id"])
    _trial(disk).drop(context.flavour)
    return Change(lambda: setattr(disk, "dropping", True))


def _dropped(context: Context, args: Args) -> Change:
    disk = context.raft.data.disk(args["disk_id"])
    _trial(disk).finish_drop()
    return Change(disk.finish_drop)


ENDPOINTS = (
    Endpoint("GET", "/disk/list", a.DISK_LIST, _list),
    Endpoint("GET", "/disk/info", a.DISK_INFO, _info),
    Endpoint("GET", "/disk/droppinglist", a.NOTHING, _dropping),
    Endpoint("POST", "/disk/set", a.DISK_SET, _set),
    Endpoint("POST", "/disk/access", a.DISK_ACCESS, _access),
    Endpoint("POST", "/disk/drop", a.DISK_ID, _drop),
    Endpoint("POST", "/disk/dropped", a.DISK_ID, _dropped),
)

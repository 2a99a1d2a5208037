"""The control interface over HTTP: `POST /control/<action>` with a JSON object, `GET /control/state`."""

import inspect
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.playground.clustermgr_sim.cluster import SimulatedCluster
from bot.playground.clustermgr_sim.disks import Disk
from bot.playground.clustermgr_sim.raft import NotPossible

_LAST_REQUESTS = 50


class _Args(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Node(_Args):
    node: int = Field(ge=1)


class _Slow(_Node):
    seconds: float = Field(ge=0, le=600)


class _Behind(_Node):
    entries: int = Field(ge=0, le=1_000_000)


class _Stall(_Node):
    value: bool = True


class _Disk(_Args):
    disk_id: int = Field(ge=1)


class _Repair(_Disk):
    step: str = "repairing"


class _DiskReadonly(_Disk):
    value: bool = True


class _Expire(_Disk):
    expired: bool = True


class _ExpireHost(_Args):
    host: str = Field(max_length=500)
    expired: bool = True


class _Rename(_Disk):
    host: str | None = Field(None, max_length=500)
    path: str | None = Field(None, max_length=500)


class _Chunks(_Disk):
    left: int = Field(ge=0, le=10_000)


class _Compacting(_Args):
    vid: int = Field(ge=1)
    units: int = Field(1, ge=0, le=255)


class _Scheduler(_Args):
    number: int = Field(1, ge=1, le=5)


class _StopScheduler(_Scheduler):
    registered: bool = False


class _FailTasks(_Args):
    task: str = Field(max_length=50)
    per_minute: int = Field(ge=0, le=1_000_000)
    words: str = Field("EOF", max_length=500)


class _Volumes(_Args):
    volumes: int = Field(ge=0, le=1_000_000)


class _Switch(_Args):
    key: str = Field(min_length=1, max_length=200)
    value: str | None = Field(None, max_length=10_000)


class _Fraction(_Args):
    fraction: float = Field(ge=0, le=1)


class _Flag(_Args):
    value: bool


class _Requests(_Args):
    count: int = Field(1, ge=1, le=10_000)
    path: str = Field("", max_length=200)
    node: int = Field(0, ge=0)


class _Garble(_Requests):
    truncate: bool = False


class _Fail(_Requests):
    status: int = Field(ge=200, le=999)
    words: str = Field("", max_length=500)


class _NewNode(_Args):
    node: int = Field(0, ge=0)


ACTIONS: Mapping[str, type[_Args]] = MappingProxyType(
    {
        "kill": _Node,
        "start": _Node,
        "pause": _Node,
        "resume": _Node,
        "isolate": _Node,
        "rejoin": _Node,
        "elect": _Node,
        "slow": _Slow,
        "fall_behind": _Behind,
        "stall": _Stall,
        "add_node": _NewNode,
        "remove_node": _Node,
        "lose_quorum": _Args,
        "restore": _Args,
        "break_disk": _Disk,
        "repair_disk": _Repair,
        "drop_disk": _Disk,
        "set_disk_readonly": _DiskReadonly,
        "expire_disk": _Expire,
        "expire_host": _ExpireHost,
        "rename_disk": _Rename,
        "move_chunks": _Chunks,
        "land_unit": _Disk,
        "risk_volume": _Args,
        "set_compacting": _Compacting,
        "start_scheduler": _Scheduler,
        "stop_scheduler": _StopScheduler,
        "fail_tasks": _FailTasks,
        "set_allocatable": _Volumes,
        "set_switch": _Switch,
        "fill_space": _Fraction,
        "set_read_only": _Flag,
        "recount": _Args,
        "lose_replies": _Requests,
        "garble": _Garble,
        "fail_next": _Fail,
    }
)


def state(cluster: SimulatedCluster) -> dict[str, Any]:
    """The state of the cluster for the demo page, as one JSON object."""
    return {
        "flavour": cluster.flavour.name,
        "now": cluster.clock.now(),
        "leader": cluster.leader,
        "quorum": cluster.raft.has_quorum(),
        "read_only": cluster.data.read_only,
        "nodes": [_node(cluster, node.node_id) for node in cluster.nodes],
        "disks": [disk.to_wire(cluster.flavour) | _flags(cluster, disk) for disk in cluster.data.disks.values()],
        "switches": dict(cluster.data.kv),
        "schedulers": {each: cluster.scheduler_host(each) for each in sorted(cluster.schedulers.running)},
        "faults": [
            {"kind": str(fault.kind), "left": fault.left, "path": fault.path, "node": fault.node}
            for fault in cluster.faults.open
        ],
        "requests": [
            {"at": seen.at, "node": seen.node, "method": seen.method, "target": seen.target, "status": seen.status}
            for seen in cluster.log.entries[-_LAST_REQUESTS:]
        ],
    }


def _flags(cluster: SimulatedCluster, disk: Disk) -> dict[str, bool | int]:
    units = cluster.data.volumes.count_on(disk.disk_id)
    return {"dropping": disk.dropping, "expired": disk.expired, "units": units}


def _node(cluster: SimulatedCluster, node_id: int) -> dict[str, Any]:
    node, member = cluster.raft.nodes[node_id], cluster.raft.members.get(node_id)
    return {
        "id": node_id,
        "host": cluster.host(node_id),
        "up": node.up,
        "listening": cluster.is_listening(node_id),
        "paused": node.paused,
        "isolated": node.isolated,
        "slow": cluster.delay_of(node_id),
        "member": "none" if member is None else "learner" if member.learner else "voter",
        "role": str(node.role) if node.up else "",
        "term": node.term,
        "leader": node.leader,
        "commit": node.commit,
    }


async def perform(cluster: SimulatedCluster, action: str, args: bytes) -> Any:
    """Run one action with its arguments as JSON; raises KeyError, ValidationError or NotPossible."""
    model = ACTIONS[action].model_validate_json(args or b"{}")
    method: Callable[..., Any] = getattr(cluster, action)
    result = method(**model.model_dump())
    return await result if inspect.isawaitable(result) else result


def _refuse(status: HTTPStatus, sentence: str) -> web.Response:
    return web.json_response({"ok": False, "error": sentence}, status=status)


def routes(cluster: SimulatedCluster, prefix: str = "/control") -> list[web.RouteDef]:
    """The routes below `prefix`; a POST must be `application/json`, which foreign pages cannot send."""

    async def show(_request: web.Request) -> web.Response:
        return web.json_response(state(cluster))

    async def act(request: web.Request) -> web.Response:
        action = request.match_info["action"]
        if request.content_type != "application/json":
            return _refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json")
        if action not in ACTIONS:
            return _refuse(HTTPStatus.NOT_FOUND, f"no such action; there are: {', '.join(ACTIONS)}")
        try:
            result = await perform(cluster, action, await request.read())
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "the body"
            return _refuse(HTTPStatus.BAD_REQUEST, f"{where}: {first['msg']}")
        except NotPossible as error:
            return _refuse(HTTPStatus.CONFLICT, str(error))
        return web.json_response({"ok": True, "result": result})

    return [web.get(f"{prefix}/state", show), web.post(f"{prefix}/{{action}}", act)]

"""Every recorded exchange with a real cluster, put through the client: transport, error mapping, typed methods."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.clustermgr.blob_nodes import BlobNode
from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.models import Stat
from bot.clustermgr.status_codes import check_read, check_write
from bot.clustermgr.transport import Transport
from bot.clustermgr.volume_answers import index_of
from bot.clustermgr.volume_models import Volume
from bot.common.errors import (
    AuthRejected,
    ClusterBadAnswer,
    ClusterError,
    ClusterFailed,
    ClusterRefused,
    NoLeader,
    NotFound,
    OutcomeUnknown,
)
from tests.contract.recordings import DATA_FILES, FILES, Exchange, exchanges, replay
from tests.support.raw_server import Request, serving

TOTAL = 750 + 423
ALL_FILES = (*FILES, *DATA_FILES)


# What each recorded status must come to, read and written; spelled out here and not asked of the code under test.
READ = {400: ClusterRefused, 403: AuthRejected, 405: ClusterRefused, 301: ClusterBadAnswer, 906: ClusterFailed}
READ |= {500: ClusterFailed, 502: ClusterFailed, 907: NoLeader, 908: ClusterFailed, 904: NotFound, 911: NotFound}
READ |= dict.fromkeys((910, 912, 913, 917, 921, 926, 931, 932, 933, 935), ClusterRefused) | {934: NotFound}
WRITE = READ | {301: ClusterRefused, 500: OutcomeUnknown, 502: OutcomeUnknown, 906: OutcomeUnknown, 908: OutcomeUnknown}


def expected(exchange: Exchange) -> type[ClusterError] | None:
    writing = exchange.method != "GET"
    if exchange.status == 200:
        return None
    if writing and 400 <= exchange.status < 500 and exchange.took > 5:
        return OutcomeUnknown
    if exchange.status == 404:
        return NotFound if exchange.is_json else ClusterRefused
    return (WRITE if writing else READ)[exchange.status]


def test_all_recordings_are_present() -> None:
    """All recordings are here."""
    assert sum(len(exchanges(path)) for path in ALL_FILES) == TOTAL


@pytest.mark.parametrize("path", ALL_FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_transport_and_error_mapping(path: Path) -> None:
    """Each recorded answer comes to the value or the error it must, with the server's words and trace id kept."""
    for exchange in exchanges(path):
        raised, body = await through_the_wire(exchange)
        assert type(raised) is (expected(exchange) or type(None)), exchange
        if raised is None:
            assert body == exchange.answer.encode()
            continue
        assert isinstance(raised, ClusterError)
        trace = dict(exchange.headers).get("Blobstore-Tracer-Traceid", "")
        assert (raised.status, raised.trace_id) == (exchange.status, trace)
        if exchange.is_json and "error" in (body := json.loads(exchange.answer)):
            assert raised.words == " ".join(body["error"].split())[:300]


async def through_the_wire(exchange: Exchange) -> tuple[ClusterError | None, bytes]:
    async def handle(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(replay(exchange))
        await writer.drain()

    async with serving(handle) as server, Transport(new_id=lambda: "x") as wire:
        if exchange.method == "GET":
            got = await wire.get(server.host, exchange.target)
        else:
            got = await wire.post(server.host, exchange.target, exchange.body.encode())
        (sent,) = server.requests
        assert sent.target == exchange.target
        assert sent.body == (b"" if exchange.method == "GET" else exchange.body.encode())
        check = check_read if exchange.method == "GET" else check_write
        try:
            check(type(got)(got.host, got.status, got.body, got.trace_id, exchange.took, got.is_json))
        except ClusterError as error:
            return error, got.body
        return None, got.body


Typed = Callable[[ClustermgrClient, str, Exchange], Awaitable[Any]]


async def stat(api: ClustermgrClient, host: str, _exchange: Exchange) -> Any:
    return await api.stat(host)


async def config_get(api: ClustermgrClient, host: str, exchange: Exchange) -> Any:
    return await api.config_get(_query(exchange, "key"), host=host)


async def config_list(api: ClustermgrClient, host: str, _exchange: Exchange) -> Any:
    return await api.config_list(host)


async def kv_list(api: ClustermgrClient, host: str, _exchange: Exchange) -> Any:
    return await api.kv_list(host)


async def disk_list(api: ClustermgrClient, _host: str, _exchange: Exchange) -> Any:
    return await api.disk_list()


async def disk_info(api: ClustermgrClient, _host: str, exchange: Exchange) -> Any:
    asked = _query(exchange, "disk_id")
    return await api.disk_info(int(asked) if asked.isdecimal() else 1)


async def disk_dropping(api: ClustermgrClient, _host: str, _exchange: Exchange) -> Any:
    return await api.disk_dropping()


async def disk_chunks(api: ClustermgrClient, _host: str, _exchange: Exchange) -> Any:
    return await api.disk_chunks(3)


async def volume(api: ClustermgrClient, _host: str, _exchange: Exchange) -> Any:
    return await api.volume(1)


async def volumes(api: ClustermgrClient, _host: str, _exchange: Exchange) -> Any:
    return await api.volumes(count=100)


async def config_set(api: ClustermgrClient, _host: str, _exchange: Exchange) -> Any:
    return await api.config_set("balance", "true")


async def member_add(api: ClustermgrClient, _host: str, _exchange: Exchange) -> Any:
    return await api.member_add(4, "127.0.0.1:10113", learner=True, node_host="127.0.0.1:10001")


async def member_remove(api: ClustermgrClient, _host: str, _exchange: Exchange) -> Any:
    return await api.member_remove(4)


async def transfer(api: ClustermgrClient, _host: str, _exchange: Exchange) -> Any:
    return await api.leadership_transfer(2)


async def services(api: ClustermgrClient, _host: str, _exchange: Exchange) -> Any:
    return await api.services()


async def disk_access(api: ClustermgrClient, _host: str, _exchange: Exchange) -> Any:
    return await api.disk_access(7, readonly=True)


async def disk_set_broken(api: ClustermgrClient, _host: str, _exchange: Exchange) -> Any:
    return await api.disk_set_broken(7)


async def disk_drop(api: ClustermgrClient, _host: str, _exchange: Exchange) -> Any:
    return await api.disk_drop(7)


async def node_drop(api: ClustermgrClient, _host: str, _exchange: Exchange) -> Any:
    return await api.node_drop(2)


async def node_info(api: ClustermgrClient, _host: str, exchange: Exchange) -> Any:
    asked = _query(exchange, "node_id")
    return await api.node_info(int(asked) if asked.isdecimal() else 1)


METHODS: dict[tuple[str, str], Typed] = {
    ("GET", "/stat"): stat,
    ("GET", "/config/get"): config_get,
    ("GET", "/config/list"): config_list,
    ("GET", "/kv/list"): kv_list,
    ("GET", "/disk/list"): disk_list,
    ("GET", "/disk/info"): disk_info,
    ("GET", "/disk/droppinglist"): disk_dropping,
    ("GET", "/volume/unit/list"): disk_chunks,
    ("GET", "/volume/get"): volume,
    ("GET", "/volume/list"): volumes,
    ("POST", "/config/set"): config_set,
    ("POST", "/member/add"): member_add,
    ("POST", "/member/remove"): member_remove,
    ("POST", "/leadership/transfer"): transfer,
    ("GET", "/service/list"): services,
    ("GET", "/node/info"): node_info,
    ("POST", "/disk/access"): disk_access,
    ("POST", "/disk/set"): disk_set_broken,
    ("POST", "/disk/drop"): disk_drop,
    ("POST", "/node/drop"): node_drop,
}
TYPED = 1022


def _query(exchange: Exchange, key: str) -> str:
    return (parse_qs(urlsplit(exchange.target).query).get(key) or ["balance"])[0]


def typed(exchange: Exchange) -> Typed | None:
    return METHODS.get((exchange.method, urlsplit(exchange.target).path))


def test_typed_methods_cover_the_api() -> None:
    """So many of the recorded requests have a typed method; a path forgotten in the table would lower the number."""
    assert sum(typed(exchange) is not None for path in ALL_FILES for exchange in exchanges(path)) == TYPED


@pytest.mark.parametrize("path", ALL_FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_typed_methods(path: Path) -> None:
    """Each recorded answer to a call that has a typed method gives that method's value or the right error."""
    for exchange in exchanges(path):
        method = typed(exchange)
        if method is not None:
            await check_typed(exchange, method)


async def check_typed(exchange: Exchange, method: Typed) -> None:
    asked = 0

    async def handle(_request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        # A list is paged until it brings nothing new: the recorded page is the first one.
        writer.write(replay(exchange))
        await writer.drain()

    quick = replace(exchange, took=0.0)
    want = expected(quick)
    async with serving(handle) as server, ClustermgrClient([server.host]) as api:
        if want is NotFound and method is config_get:
            assert await method(api, server.host, exchange) is None
        elif want is not None:
            with pytest.raises(want):
                await method(api, server.host, exchange)
        else:
            check_value(exchange, await method(api, server.host, exchange))
    assert asked == 1 or method is disk_list


def fields_of(volume: Volume) -> tuple[Any, ...]:
    assert [index_of(unit) for unit in volume.units] == list(range(len(volume.units)))
    assert {unit["vuid"] >> 32 for unit in volume.units} == {volume.vid}
    units = [(unit["vuid"], unit["disk_id"]) for unit in volume.units]
    return volume.vid, volume.code_mode, volume.status, volume.health_score, units


def sent_fields(volumes: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [
        (
            volume["vid"],
            volume["code_mode"],
            volume["status"],
            volume["health_score"],
            [(unit["vuid"], unit["disk_id"]) for unit in volume["units"]],
        )
        for volume in volumes
    ]


def check_value(exchange: Exchange, value: Any) -> None:
    # Every recorded field is known: a line about unknown ones is never shown for a recorded release.
    values = value if isinstance(value, tuple) else (value,)
    assert not any(getattr(each, "others", ()) or getattr(each, "all_others", ()) for each in values)
    if isinstance(value, BlobNode):
        body = json.loads(exchange.answer)
        assert (value.node_id, value.status, value.host) == (body["node_id"], body["status"], body["host"])
        return
    check_other_value(exchange, value)


def check_other_value(exchange: Exchange, value: Any) -> None:
    body: Any = json.loads(exchange.answer) if exchange.answer else None
    if isinstance(value, Stat):
        raft = body["raft_status"]
        assert value.raft_status.node_id == raft.get("node_id", raft.get("nodeId"))
        assert {peer.id for peer in value.raft_status.peers} == {peer["id"] for peer in raft["peers"] or ()}
        assert [peer.is_learner for peer in value.raft_status.peers] == [
            peer.get("is_learner", peer.get("isLearner")) for peer in raft["peers"] or ()
        ]
        assert value.space_stat.total_space == body["space_stat"]["total_space"]
        assert value.read_only is body.get("read_only")
    elif exchange.target.startswith(("/volume/get", "/volume/list")):
        found = (value,) if isinstance(value, Volume) else value
        sent = [body] if isinstance(value, Volume) else body["volumes"] if body else []
        assert list(map(fields_of, found)) == sent_fields(sent)
    elif exchange.target.startswith("/service/list"):
        rows = [(each.cluster_id, each.name, each.host, each.idc) for each in value]
        assert rows == [tuple(row[key] for key in ("cluster_id", "name", "host", "idc")) for row in body["nodes"] or ()]
    elif isinstance(value, tuple):
        assert [disk.disk_id for disk in value] == [disk["disk_id"] for disk in body["disks"] or ()]
    elif isinstance(value, str):
        assert value == body
    elif body and "configs" in body:
        assert dict(value) == body["configs"]
    elif body and "kvs" in body:
        assert dict(value) == {pair["key"]: pair["value"] for pair in body["kvs"]}
    elif body and "volume_unit_infos" in body:
        assert value == len(body["volume_unit_infos"])
    elif body and "disk_id" in body:
        assert (value.disk_id, value.status) == (body["disk_id"], body["status"])
    else:
        assert value is None
        assert exchange.answer == ""

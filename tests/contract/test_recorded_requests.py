"""What the typed methods send, held against the requests that real clusters accepted: the same path, query and body."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from bot.clustermgr.client import MAX_DISKS, PAGE, ClustermgrClient
from tests.contract.recordings import DATA_FILES, FILES, Exchange, exchanges, replay
from tests.support.raw_server import Request, serving

Call = Callable[[ClustermgrClient, str], Awaitable[object]]
ALL_FILES = (*FILES, *DATA_FILES)
BROKEN = 2
SAYABLE = 462
"""So many accepted requests can be said by a typed method; one that no longer can would lower the number."""


def call_for(exchange: Exchange) -> Call | None:
    """The typed call that must come to this very request, None when no typed method says such a thing."""
    if exchange.status != 200:
        return None
    said = _write(exchange) if exchange.method == "POST" else None
    return _read(exchange) if exchange.method == "GET" else said


def _write(exchange: Exchange) -> Call | None:
    body: Any = json.loads(exchange.body) if exchange.body.startswith("{") else {}
    shape = {key: type(value) for key, value in body.items()}
    path = urlsplit(exchange.target).path
    match path:
        case "/config/set" if shape == {"key": str, "value": str}:
            return lambda api, _host: api.config_set(body["key"], body["value"])
        case "/member/add" if body["member_type"] in {1, 2}:
            learner, node_host = body["member_type"] == 1, body.get("node_host")
            return lambda api, _host: api.member_add(
                body["peer_id"], body["host"], learner=learner, node_host=node_host
            )
        case "/member/remove":
            return lambda api, _host: api.member_remove(body["peer_id"])
        case "/leadership/transfer":
            return lambda api, _host: api.leadership_transfer(body["peer_id"])
    return _disk_writes(body).get((path, *sorted(body.items() if path == "/disk/set" else ())[1:]))


def _disk_writes(body: Any) -> dict[tuple[Any, ...], Call]:
    return {
        ("/disk/set", ("status", BROKEN)): lambda api, _host: api.disk_set_broken(body["disk_id"]),
        ("/disk/access",): lambda api, _host: api.disk_access(body["disk_id"], readonly=body["readonly"]),
        ("/disk/drop",): lambda api, _host: api.disk_drop(body["disk_id"]),
        ("/node/drop",): lambda api, _host: api.node_drop(body["node_id"]),
    }


def _read(exchange: Exchange) -> Call | None:
    path, asked = urlsplit(exchange.target).path, query(exchange.target)
    if path == "/disk/list":
        return (lambda api, _host: _disks(api, asked)) if _is_first_page(asked) else None
    reads: dict[tuple[str, ...], Call] = {
        ("/stat",): lambda api, host: api.stat(host),
        ("/config/get", "key"): lambda api, host: api.config_get(asked["key"], host=host),
        ("/config/list",): lambda api, host: api.config_list(host),
        ("/kv/list", "count"): lambda api, host: api.kv_list(host, count=int(asked["count"])),
        ("/service/list",): lambda api, _host: api.services(),
        ("/disk/info", "disk_id"): lambda api, _host: api.disk_info(int(asked["disk_id"])),
    }
    return reads.get((path, *asked))


def _is_first_page(asked: dict[str, str]) -> bool:
    return asked.keys() <= {"status", "idc", "rack", "host", "count"} and 0 < int(asked.get("count", "1")) <= PAGE


def _disks(api: ClustermgrClient, asked: dict[str, str]) -> Awaitable[object]:
    return api.disk_list(
        status=int(asked["status"]) if "status" in asked else None,
        idc=asked.get("idc"),
        rack=asked.get("rack"),
        disk_host=asked.get("host"),
        limit=int(asked.get("count", MAX_DISKS)),
    )


def query(target: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))


def test_so_many_can_be_said() -> None:
    assert sum(call_for(exchange) is not None for path in ALL_FILES for exchange in exchanges(path)) == SAYABLE


@pytest.mark.parametrize("path", ALL_FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_program_sends_what_real_servers_accepted(path: Path) -> None:
    """Method, path, query and body of each typed call are those that were answered with 200."""
    said = [(exchange, call) for exchange in exchanges(path) if (call := call_for(exchange)) is not None]
    playing: list[bytes] = [b""]

    async def handle(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(playing[0])
        await writer.drain()

    async with serving(handle) as server, ClustermgrClient([server.host]) as api:
        for exchange, call in said:
            playing[0] = replay(exchange)
            server.requests.clear()
            await call(api, server.host)
            check(server.requests[0], exchange)


def check(sent: Request, exchange: Exchange) -> None:
    want, got = query(exchange.target), query(sent.target)
    if urlsplit(exchange.target).path == "/disk/list" and "count" not in want:
        got.pop("count")
    assert (sent.method, urlsplit(sent.target).path, got) == (
        exchange.method,
        urlsplit(exchange.target).path,
        want,
    )
    if exchange.method == "POST":
        assert json.loads(sent.body) == json.loads(exchange.body)

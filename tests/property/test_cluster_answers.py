"""Any JSON of a cluster: a value or a ClusterError for the caller, and the watch continues."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from bot.alerting.rules.thresholds import configure
from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import Cluster
from bot.clustermgr.dialect import detect_dialect
from bot.common.errors import ClusterError
from bot.views.dialect_text import evidence_text
from bot.views.members import members
from bot.views.stat import stat
from bot.views.tasks import tasks
from bot.watch.planning import Watched
from bot.watch.watcher import Watcher
from tests.component.clustermgr.test_fault_matrix import READS, WRITES
from tests.support.observed_store import observed_store
from tests.support.raw_server import Request, answer, serving

NUMBERS = st.one_of(
    st.integers(), st.sampled_from([0, -1, 1 << 31, 1 << 63, (1 << 64) - 1, 1 << 64, 10**400]), st.floats()
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=20))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
BODIES = st.one_of(
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=60),
    st.sampled_from([b"", b"null", b"{}", b"[]", b'""', b'{"a":1,"a":{}}', b"[" * 50_000, b'"\\ud800"', b'"\xff"']),
)
PEER = {"id": 2, "host": "10.0.0.2:10110", "match": 9, "next": 10, "state": "StateReplicate", "active": True}
STAT = {
    "leader_host": "10.0.0.1:9998",
    "read_only": False,
    "raft_status": {"nodeId": 1, "term": 3, "commit": 9, "leader": 1, "raftState": "StateLeader", "peers": [PEER]},
    "space_stat": {"total_space": 9, "writable_space": 5, "disk_stat_infos": [{"idc": "z0", "total": 3, "broken": 1}]},
    "volume_stat": {"total_volume": 1, "can_alloc_volume": 1},
}
DISK = {"disk_id": 7, "status": 2, "idc": "z0", "host": "http://10.0.1.7:8899", "path": "/data/7"}
UNITS = [{"vuid": 5 << 32 | index << 24 | 1, "disk_id": 7 if index < 3 else 20 + index} for index in range(6)]
VOLUME = {"vid": 5, "code_mode": 11, "status": 2, "health_score": -3, "units": UNITS}
SOUND: Mapping[str, Any] = {
    "/stat": STAT,
    "/disk/list": {"disks": [DISK], "marker": 7},
    "/disk/droppinglist": {"disks": [DISK]},
    "/volume/unit/list": {"volume_unit_infos": UNITS[:3]},
    "/volume/get": VOLUME,
    "/volume/list": {"volumes": [VOLUME], "marker": 5},
    "/config/get": "true",
    "/config/list": {"configs": {"balance": "true"}},
    "/kv/list": {"kvs": [{"key": "a", "value": "dHJ1ZQ=="}], "marker": ""},
}


def spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value within a JSON value, the whole first."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(spot for key, each in inner for spot in spots(each, (*path, key)))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The JSON value with another one at that path."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


SPOTS = [(target, path) for target, value in SOUND.items() for path in spots(value)]
SPOILED = st.dictionaries(st.sampled_from(SPOTS), VALUES, min_size=1, max_size=3)


@given(BODIES, st.sampled_from(sorted({*READS, *WRITES})))
@example(b"{}", "config_list")
def test_any_answer_becomes_a_value_or_a_cluster_error(body: bytes, call: str) -> None:
    asyncio.run(_ask(body, call))


async def _ask(body: bytes, call: str) -> None:
    async def handle(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(200, "OK", [("Content-Type", "application/json")], body))
        await writer.drain()

    async with serving(handle) as host, ClustermgrClient([host.host]) as api:
        with suppress(ClusterError):
            await {**READS, **WRITES}[call](api, host.host)
    assert len(host.requests) == 1


@given(SPOILED)
def test_watch_continues_after_any_wrong_answer(spoiled: Mapping[tuple[str, tuple[Any, ...]], Any]) -> None:
    """Ten minutes of such answers, so that alerts fire, are worded and end; then one that is sound."""
    answers = dict(SOUND)
    for (target, path), value in sorted(spoiled.items(), key=lambda item: -len(item[0][1])):
        answers[target] = put(answers[target], path, value)
    asyncio.run(_watch(answers))


async def _watch(answers: dict[str, Any]) -> None:
    now = 1_000_000.0

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        body = json.dumps(answers[request.target.partition("?")[0]]).encode()
        writer.write(answer(200, "OK", [("Content-Type", "application/json")], body))
        await writer.drain()

    async with serving(handle) as host, ClustermgrClient([host.host]) as api, observed_store() as store:
        cluster = Cluster("prod", "C1", api, lambda: now, 5.0)
        watch = Watcher(Watched("prod", "C1", 120, configure({})), partial(cluster.poll, 5.0), store, wake=lambda: None)
        for _ in range(5):
            now += 120
            await watch.tick(now)
            assert (watch.health.failures, watch.health.failure) == (0, None)
        verdict, seen = await detect_dialect(api), watch.latest
        assert seen is not None
        assert evidence_text(verdict.evidence)
        for shown in (stat(seen), members(seen), tasks(seen, verdict)):
            assert shown.to_json()
        answers.update(SOUND)
        await watch.tick(now + 120)
        assert watch.health.failed_total == 0

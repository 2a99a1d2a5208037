"""Reading a body is bounded work: a hostile one is given up at its first wrong item, or before it is read at all."""

import json
from dataclasses import fields
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from bot.clustermgr import decoding
from bot.clustermgr.decoding import Bound, parse
from bot.clustermgr.models import (
    MAX_DISKS_IN_ANSWER,
    MAX_PEERS,
    ConfigList,
    Disk,
    DiskPage,
    KvPage,
    Stat,
)
from bot.clustermgr.status_codes import Answer
from bot.clustermgr.volume_models import MAX_UNITS, VolumeUnits
from bot.common.errors import ClusterBadAnswer


def answer(body: bytes) -> Answer:
    return Answer("10.0.0.1:9998", 200, body, "", 0.1, is_json=True)


def filled(head: bytes, item: bytes, bound: Bound, tail: bytes) -> bytes:
    """A body of just the allowed size, full of one item."""
    count = (bound.size - len(head) - len(tail)) // (len(item) + 1)
    return head + b",".join([item] * count) + tail


HOSTILE = [
    (Stat, b'{"raft_status":{"peers":[', b"]}}", decoding.STAT),
    (Stat, b'{"raft_status":{},"space_stat":{"disk_stat_infos":[', b"]}}", decoding.STAT),
    (DiskPage, b'{"disks":[', b"]}", decoding.DISKS),
    (DiskPage, b'{"disks":[', b"]}", decoding.DROPPING),
    (VolumeUnits, b'{"volume_unit_infos":[', b"]}", decoding.UNITS),
    (KvPage, b'{"kvs":[', b"]}", decoding.SWITCHES),
]


@pytest.mark.parametrize("item", [b"{}", b"[]", b"1", b"null", b'""', b'{"id":-1}', b"[[[[]]]]"])
@pytest.mark.parametrize(("model", "head", "tail", "bound"), HOSTILE)
def test_hostile_list_costs_one_error_at_the_most(
    model: type[BaseModel], head: bytes, tail: bytes, bound: Bound, item: bytes
) -> None:
    """A million wrong items made a million errors once: seconds, and a gigabyte."""
    with pytest.raises(ClusterBadAnswer) as caught:
        parse(model, answer(filled(head, item, bound, tail)), bound)
    cause = caught.value.__cause__
    assert cause is None or (isinstance(cause, ValidationError) and cause.error_count() < 20)


def test_largest_answers_of_real_clusters_are_read() -> None:
    """A disk with all its 16,384 chunks, a thousand members, a page of disks, and thousands of disks being dropped."""
    unit = {
        "vuid": 2**40,
        "disk_id": 12345,
        "total": 2**34,
        "free": 2**34,
        "used": 0,
        "compact": False,
        "host": "http://10.0.0.100:8899",
    }
    units = json.dumps({"volume_unit_infos": [unit] * 16_384}, separators=(",", ":")).encode()
    assert len(units) <= decoding.UNITS.size
    assert len(parse(VolumeUnits, answer(units), decoding.UNITS).volume_unit_infos) == 16_384 <= MAX_UNITS
    peer = {"id": 1, "host": "10.0.0.1:10110", "match": 2**40, "next": 2**40, "state": "StateReplicate", "active": True}
    stat = json.dumps({"raft_status": {"nodeId": 1, "peers": [peer] * MAX_PEERS}}).encode()
    assert len(parse(Stat, answer(stat), decoding.STAT).raft_status.peers) == MAX_PEERS
    disk: dict[str, Any] = {slot.name: 12345 for slot in fields(Disk) if slot.name not in TEXTS} | dict.fromkeys(
        TEXTS, "x" * 25
    )
    disk |= {"readonly": False, "unknown": [1, 2], "more": {"a": 1}}
    page = json.dumps({"disks": [disk] * 200, "marker": 200}).encode()
    assert len(parse(DiskPage, answer(page), decoding.DISKS).disks) == 200
    dropping = json.dumps({"disks": [disk] * (MAX_DISKS_IN_ANSWER // 2)}).encode()
    assert len(dropping) <= decoding.DROPPING.size
    assert len(parse(DiskPage, answer(dropping), decoding.DROPPING).disks) == MAX_DISKS_IN_ANSWER // 2


TEXTS = ("idc", "rack", "host", "path", "create_time", "last_update_time")


@pytest.mark.parametrize("body", [b"{}", b'{"configs":null}', b'{"configs":{}}', b'{"other":1}'])
def test_config_list_without_configs_is_empty(body: bytes) -> None:
    assert parse(ConfigList, answer(body), decoding.CONFIGS).configs == {}


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'{"configs":[]}', b'{"configs":{"a":1}}', b'{"configs":{"a":null}}']
)
def test_config_list_of_another_shape_is_a_bad_answer(body: bytes) -> None:
    with pytest.raises(ClusterBadAnswer):
        parse(ConfigList, answer(body), decoding.CONFIGS)


def test_states_of_peers_of_older_releases_are_understood() -> None:
    written = ["ProgressStateReplicate", "ProgressStateProbe", "ProgressStateSnapshot", "StateReplicate", ""]
    body = json.dumps({"raft_status": {"peers": [{"id": n, "state": state} for n, state in enumerate(written, 1)]}})
    peers = parse(Stat, answer(body.encode()), decoding.STAT).raft_status.peers
    assert [peer.state for peer in peers] == ["StateReplicate", "StateProbe", "StateSnapshot", "StateReplicate", ""]

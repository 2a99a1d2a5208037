"""Requests hold only values that a server may be sent; everything else is refused with one clear sentence."""

import json
from typing import Any

import pytest

from bot.common.errors import UserError
from bot.operations.addresses import parse_address, parse_peer_id
from bot.operations.codec import decode_request, encode_request
from bot.operations.model import Operation
from bot.operations.request_problems import AddressKind
from bot.operations.requests import (
    DiskAccess,
    DiskBroken,
    DiskOffline,
    DisksOffline,
    LeaderTransfer,
    MemberAdd,
    MemberRemove,
    NodeDrop,
    NodeOffline,
    OpKind,
    Request,
    TaskSwitch,
)
from bot.views.errors import error_text
from bot.views.op_parts import request_phrase


def one_sentence(error: pytest.ExceptionInfo[UserError]) -> str:
    """Text of the error: one short line without characters that a chat acts on."""
    words = error_text(error.value)
    assert words.endswith(".")
    assert len(words) < 200
    assert not set(words) & set("<>&\n*")
    return words


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("-1", "out of range"),
        ("0", "panic"),
        ("18446744073709551616", "out of range"),
        ("9" * 10_000, "out of range"),
        ("abc", "plain digits"),
        ("1.5", "plain digits"),
        ("", "none was given"),
        (" 4", "plain digits"),
        ("+4", "plain digits"),
        ("1_000", "plain digits"),
        ("0x4", "plain digits"),
        ("\N{ARABIC-INDIC DIGIT FOUR}", "plain digits"),
        ("<!channel>", "plain digits"),
        ("4\n", "plain digits"),
    ],
)
def test_a_bad_peer_id_is_refused(text: str, part: str) -> None:
    with pytest.raises(UserError) as error:
        parse_peer_id(text)
    assert part in one_sentence(error)


@pytest.mark.parametrize(("text", "peer"), [("1", 1), ("18446744073709551615", 2**64 - 1)])
def test_the_smallest_and_the_largest_peer_id_are_taken(text: str, peer: int) -> None:
    assert parse_peer_id(text) == peer


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "is empty"),
        (None, "is empty"),
        ("http://10.0.0.4:10110", "a scheme such as http://"),
        ("10.0.0.4", "has no port"),
        ("10.0.0.4:", "has no port"),
        ("10.0.0.4:0", "between 1 and 65535"),
        ("10.0.0.4:65536", "between 1 and 65535"),
        ("10.0.0.4:+80", "between 1 and 65535"),
        ("10.0.0.4:80/", "between 1 and 65535"),
        ("10.0.0.4:99999999999", "between 1 and 65535"),
        (":10110", "has no valid host"),
        ("10.0.0.256:10110", "has no valid host"),
        ("10.0.4:10110", "has no valid host"),
        ("cm 4:10110", "has no valid host"),
        (" cm4:10110", "has no valid host"),
        ("cm4:10110\n", "between 1 and 65535"),
        ("-cm4:10110", "has no valid host"),
        ("a..b:10110", "has no valid host"),
        ("user@cm4:10110", "has no valid host"),
        ("<!channel>:10110", "has no valid host"),
        ("b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher:10110", "has no valid host"),
        ("cm4:1011\N{ARABIC-INDIC DIGIT FOUR}", "between 1 and 65535"),
        ("a" * 10_000 + ":10110", "has no valid host"),
        ("a" * 10_000, "has no port"),
        ("fd00::4:10110", "more than one colon"),
        ("[fd00::4]", "more than one colon|between 1 and 65535|has no port"),
        ("[fd00::zz]:10110", "has no valid host"),
        ("[fe80::1%eth0]:10110", "has no valid host"),
        ("[10.0.0.4]:10110", "has no valid host"),
        ("0x7f000001:10110", "has no valid host"),
        ("a.1:10110", "has no valid host"),
        ("0.0.0.0:10110", "address of every interface"),
        ("[::]:10110", "address of every interface"),
        ("169.254.169.254:80", "link-local"),
        ("[::ffff:169.254.169.254]:80", "link-local"),
        ("[fe80::1]:10110", "link-local"),
        ("224.0.0.1:10110", "many machines"),
        ("255.255.255.255:10110", "many machines"),
        ("[ff02::1]:10110", "many machines"),
    ],
)
def test_a_bad_address_is_refused(text: str | None, part: str) -> None:
    with pytest.raises(UserError) as error:
        parse_address(text, AddressKind.RAFT)
    words = one_sentence(error)
    assert "raft address" in words
    assert any(each in words for each in part.split("|"))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("10.0.0.4:10110", "10.0.0.4:10110"),
        ("CM4.Example.com:1", "cm4.example.com:1"),
        ("[fd00::4]:65535", "[fd00::4]:65535"),
        ("cm_4-a:10110", "cm_4-a:10110"),
        ("[FD00:0::4]:10110", "[fd00::4]:10110"),
        ("[::ffff:10.0.0.4]:10110", "10.0.0.4:10110"),
        ("cm4.example.com.:10110", "cm4.example.com:10110"),
    ],
)
def test_good_address_is_kept_in_its_canonical_form(text: str, kept: str) -> None:
    assert parse_address(text, AddressKind.RAFT) == kept


ALL: tuple[Request, ...] = (
    MemberAdd(2**64 - 1, "CM4:10110", "cm4:9998", learner=False),
    MemberAdd(4, "cm4:10110"),
    MemberRemove(3),
    LeaderTransfer(2),
    TaskSwitch("balance", on=False),
    DiskAccess(7, readonly=True),
    DiskAccess(2**32 - 1, readonly=False),
    DiskBroken(7),
    DiskOffline(7),
    DisksOffline((7, 8, 9)),
    NodeOffline("10.0.1.2:8889"),
    NodeDrop(2),
)


@pytest.mark.parametrize("request_", ALL, ids=request_phrase)
def test_a_request_comes_back_from_json_as_it_was(request_: Request) -> None:
    op = Operation("prod", request_, "U1", 100.0, 1000.0, reason="because")
    kept = json.loads(json.dumps(encode_request(op)))
    assert kept["reason"] == "because"
    assert decode_request(request_.kind.value, kept) == request_


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (OpKind.MEMBER_ADD, {"peer_id": True, "host": "cm4:10110"}),
        (OpKind.MEMBER_ADD, {"peer_id": 4}),
        (OpKind.MEMBER_ADD, {"peer_id": 4, "host": ["cm4:10110"]}),
        (OpKind.MEMBER_ADD, {"peer_id": 4, "host": "cm4:10110", "node_host": None}),
        (OpKind.MEMBER_ADD, {"peer_id": 4, "host": "cm4:10110", "learner": "no"}),
        (OpKind.MEMBER_ADD, {"peer_id": 4, "host": "cm4:9998", "node_host": "CM4:9998"}),
        (OpKind.MEMBER_REMOVE, {"peer_id": "3"}),
        (OpKind.MEMBER_REMOVE, {"peer_id": 0}),
        (OpKind.LEADER_TRANSFER, {"peer_id": 2**64}),
        (OpKind.LEADER_TRANSFER, {}),
        (OpKind.TASK_SWITCH, {"task": "balance", "on": "yes"}),
        (OpKind.TASK_SWITCH, {"task": "<!channel>", "on": True}),
        (OpKind.TASK_SWITCH, {"task": "b" * 10_000, "on": True}),
        (OpKind.TASK_SWITCH, {"task": 7, "on": True}),
        (OpKind.DISK_ACCESS, {"disk_id": 7}),
        (OpKind.DISK_ACCESS, {"disk_id": 7, "readonly": "yes"}),
        (OpKind.DISK_BROKEN, {"disk_id": 0}),
        (OpKind.DISK_BROKEN, {"disk_id": 2**32}),
        (OpKind.DISK_OFFLINE, {"disk_id": True}),
        (OpKind.DISK_OFFLINE, {"disk_id": "7"}),
        (OpKind.DISKS_OFFLINE, {"disk_ids": []}),
        (OpKind.DISKS_OFFLINE, {"disk_ids": [7, 7]}),
        (OpKind.DISKS_OFFLINE, {"disk_ids": 7}),
        (OpKind.DISKS_OFFLINE, {"disk_ids": list(range(1, 66))}),
        (OpKind.NODE_OFFLINE, {"host": "<!channel>"}),
        (OpKind.NODE_OFFLINE, {"host": "10.0.1.2"}),
        (OpKind.NODE_DROP, {"node_id": -1}),
    ],
)
def test_a_bad_stored_request_is_refused(kind: OpKind, data: dict[str, Any]) -> None:
    with pytest.raises(UserError) as error:
        decode_request(kind, data)
    one_sentence(error)

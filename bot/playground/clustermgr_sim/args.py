"""Arguments of each call, and the refusals of Clustermgr's argument parser."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from bot.playground.clustermgr_sim.gojson import GoJsonError, Value, parse


class ArgumentError(Exception):
    """An error of the parser; answered as 400 with `"code": "Argument"`."""


@dataclass(frozen=True, slots=True)
class GoField:
    """A field of a Go struct: `bits` of an unsigned number, 0 for a string, 1 for a bool, -64 for a signed int."""

    name: str
    bits: int
    type_name: str
    required: str = ""

    def zero(self) -> Any:
        """Go's zero value."""
        if self.bits == 0:
            return ""
        return False if self.bits == 1 else 0


@dataclass(frozen=True, slots=True)
class GoStruct:
    """A Go struct of package clustermgr."""

    name: str
    fields: tuple[GoField, ...]


def _text(name: str, required: str = "") -> GoField:
    return GoField(name, 0, "string", required)


_DISK_ID = GoField("disk_id", 32, "proto.DiskID")
_COUNT = GoField("count", -64, "int")
_PEER_ID = GoField("peer_id", 64, "uint64")

NOTHING = GoStruct("NoArgs", ())
CONFIG = GoStruct("ConfigArgs", (_text("key", "Key"),))
CONFIG_SET = GoStruct("ConfigSetArgs", (_text("key"), _text("value")))
ADD_MEMBER = GoStruct(
    "AddMemberArgs",
    (_PEER_ID, _text("host"), GoField("member_type", 8, "clustermgr.MemberType"), _text("node_host")),
)
REMOVE_MEMBER = GoStruct("RemoveMemberArgs", (_PEER_ID,))
DISK_SET = GoStruct("DiskSetArgs", (_DISK_ID, GoField("status", 8, "proto.DiskStatus")))
DISK_ACCESS = GoStruct("DiskAccessArgs", (_DISK_ID, GoField("readonly", 1, "bool")))
DISK_ID = GoStruct("DiskInfoArgs", (_DISK_ID,))
DISK_INFO = GoStruct("DiskInfoArgs", (GoField("disk_id", 32, "proto.DiskID", "DiskID"),))
UNITS = GoStruct("ListVolumeUnitArgs", (GoField("disk_id", 32, "proto.DiskID", "DiskID"),))
DISK_LIST = GoStruct(
    "ListOptionArgs",
    (
        _text("idc"),
        _text("rack"),
        _text("host"),
        GoField("status", 8, "proto.DiskStatus"),
        GoField("marker", 32, "proto.DiskID"),
        _COUNT,
    ),
)
NODE_INFO = GoStruct("NodeInfoArgs", (GoField("node_id", 32, "proto.NodeID", "NodeID"),))
NODE_ID = GoStruct("NodeInfoArgs", (GoField("node_id", 32, "proto.NodeID"),))
MIGRATING = GoStruct("DiskMigratingStatsArgs", (_text("task_type"), _DISK_ID))
SERVICE = GoStruct("GetServiceArgs", (_text("name", "Name"),))
KV_LIST = GoStruct("ListKvOpts", (_text("prefix"), _text("marker"), _COUNT))
VOLUME_LIST = GoStruct("ListVolumeArgs", (GoField("marker", 32, "proto.Vid"), GoField("count", -64, "int", "Count")))
VOLUME_V2 = GoStruct("ListVolumeV2Args", (GoField("status", 8, "proto.VolumeStatus"),))
VOLUME_GET = GoStruct("GetVolumeArgs", (GoField("vid", 32, "proto.Vid", "Vid"),))
UNIT_ALLOC = GoStruct("AllocVolumeUnitArgs", (GoField("vuid", 64, "proto.Vuid"),))
VOLUME_UPDATE = GoStruct(
    "UpdateVolumeArgs",
    (
        GoField("new_vuid", 64, "proto.Vuid"),
        GoField("new_disk_id", 32, "proto.DiskID"),
        GoField("old_vuid", 64, "proto.Vuid"),
    ),
)
COMPACT = GoStruct("SetCompactChunkArgs", (GoField("vuid", 64, "proto.Vuid"), GoField("compact", 1, "bool")))
ALLOC = GoStruct(
    "AllocVolumeArgs", (GoField("is_init", 1, "bool"), GoField("code_mode", 8, "codemode.CodeMode"), _COUNT)
)


def from_body(struct: GoStruct, body: bytes) -> dict[str, Any]:
    """The struct's fields out of a JSON body; names match in any case, null keeps the zero; raises ArgumentError."""
    try:
        value = parse(body)
    except GoJsonError as error:
        raise ArgumentError(str(error)) from error
    args = {field.name: field.zero() for field in struct.fields}
    if value.kind == "null":
        return args
    if value.kind != "object":
        raise ArgumentError(f"json: cannot unmarshal {value.kind} into Go value of type clustermgr.{struct.name}")
    by_name = {field.name: field for field in struct.fields}
    for key, item in value.items:
        field = by_name.get(key.lower())
        if field is not None and item.kind != "null":
            args[field.name] = _unmarshal(struct, field, item)
    return args


def _unmarshal(struct: GoStruct, field: GoField, item: Value) -> Any:
    if field.bits == 0 and item.kind == "string":
        return item.raw
    if field.bits == 1 and item.kind == "bool":
        return item.raw == "true"
    numeric = field.bits not in {0, 1} and item.kind == "number"
    if numeric and re.fullmatch(r"-?\d+", item.raw) and _fits(item.raw, field.bits):
        return int(item.raw)
    what = f"number {item.raw}" if numeric else item.kind
    raise ArgumentError(
        f"json: cannot unmarshal {what} into Go struct field {struct.name}.{field.name} of type {field.type_name}"
    )


def _fits(digits: str, bits: int) -> bool:
    """True if the number is in range. Its length is limited first: Python refuses to convert thousands of digits."""
    low, high = (-(2**63), 2**63) if bits < 0 else (0, 2**bits)
    return len(digits) <= len(str(2**64)) and low <= int(digits) < high


def from_query(struct: GoStruct, query: str) -> dict[str, Any]:
    """The struct's fields out of a query string: the first of each name, in exact case; raises ArgumentError."""
    given: dict[str, str] = {}
    for key, text in parse_qsl(query, keep_blank_values=True):
        given.setdefault(key, text)
    args: dict[str, Any] = {}
    for field in struct.fields:
        text = given.get(field.name, "")
        if not text and field.required:
            raise ArgumentError(f"args({struct.name}) field({field.required}) do not omit")
        args[field.name] = _convert(field, text) if text else field.zero()
    return args


def _convert(field: GoField, text: str) -> Any:
    if field.bits == 0:
        return text
    if field.bits == 1:
        return text in {"1", "t", "T", "true", "TRUE", "True"}
    call = "ParseInt" if field.bits < 0 else "ParseUint"
    if not re.fullmatch(r"[+-]?[0-9]+" if field.bits < 0 else r"[0-9]+", text):
        raise ArgumentError(f'strconv.{call}: parsing "{text}": invalid syntax')
    if not _fits(text, field.bits):
        raise ArgumentError(f'strconv.{call}: parsing "{text}": value out of range')
    return int(text)

"""Decode a body to a typed value in bounded work: each call has a limit of bytes and of JSON parts.

A thread would not help, because the JSON parser holds the interpreter lock. The limits keep parsing below 100 ms for
any content. The length is checked while the body arrives, the number of objects and lists before parsing. The first
wrong item ends parsing (bot.clustermgr.models).
"""

from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from bot.clustermgr.models import MAX_DISKS_IN_ANSWER, MAX_PEERS, MAX_SERVICES, MAX_SWITCHES
from bot.clustermgr.status_codes import Answer
from bot.clustermgr.volume_models import MAX_UNITS, MAX_VOLUME_UNITS, MAX_VOLUMES_IN_ANSWER
from bot.common.errors import ClusterBadAnswer
from bot.common.frozen import frozen

M = TypeVar("M", bound=BaseModel)


@frozen
class Bound:
    """Limits of the answer to one call: bytes, and objects and lists."""

    size: int
    parts: int


FEW = 100
"""Objects and lists around the rows of an answer."""
FIELDS = 12
"""Values for each part; releases send six to twenty values in a row, and twice as many parts are allowed."""
STAT = Bound(1 << 20, 4 * MAX_PEERS + FEW)
DISKS = Bound(1 << 20, 2 * MAX_DISKS_IN_ANSWER + FEW)
"""One page of /disk/list."""
DROPPING = Bound(4 << 20, 2 * MAX_DISKS_IN_ANSWER + FEW)
"""All disks that are being dropped; this list has no pages."""
UNITS = Bound(4 << 20, MAX_UNITS + FEW)
DISK = Bound(1 << 16, FEW)
NODE = Bound(1 << 16, FEW)
VOLUME = Bound(1 << 16, MAX_VOLUME_UNITS + FEW)
VOLUMES = Bound(4 << 20, MAX_VOLUMES_IN_ANSWER * MAX_VOLUME_UNITS)
"""One page of /volume/list."""
SERVICES = Bound(1 << 20, MAX_SERVICES + FEW)
SCHEDULER = Bound(1 << 18, FEW)
"""The statistics of a scheduler."""
DASHBOARD = Bound(1 << 18, 5_000)
"""Its details of unsafe volumes are not used, but arrive with it."""
SWITCH = Bound(1 << 16, FEW)
SWITCHES = Bound(1 << 18, MAX_SWITCHES + FEW)
CONFIGS = Bound(1 << 16, FEW)
"""A map does not end at its first wrong item, so this limit is lower."""


def parse(model: type[M], answer: Answer, bound: Bound) -> M:
    """Parse the body into `model`; raises ClusterBadAnswer."""
    body = answer.body
    if body.count(b"{") + body.count(b"[") > bound.parts or body.count(b",") > FIELDS * bound.parts:
        raise bad_answer(answer)
    try:
        return model.model_validate_json(body)
    except (ValidationError, RecursionError) as error:
        raise bad_answer(answer) from error


_STRING = TypeAdapter(str)


def parse_text(answer: Answer) -> str:
    """Parse the body as one JSON string; raises ClusterBadAnswer."""
    try:
        return _STRING.validate_json(answer.body, strict=True)
    except (ValidationError, RecursionError) as error:
        raise bad_answer(answer) from error


def bad_answer(answer: Answer) -> ClusterBadAnswer:
    """The error for an answer of an undocumented shape."""
    return ClusterBadAnswer(
        f"{answer.host} sent an answer that is not from a Clustermgr; check the address.",
        host=answer.host,
        status=answer.status,
        trace_id=answer.trace_id,
    )

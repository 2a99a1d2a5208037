"""From a body to a typed value, in bounded work: how long an answer of each call may be, how many parts it may have.

A thread would not help: the JSON reader holds the interpreter's lock. So every body is bounded such that reading it
takes less than 100 ms, whatever it holds: its length while it is received, the number of its objects and lists before
it is read, and the first wrong item ends the reading (bot.clustermgr.models).
"""

from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from bot.clustermgr.models import MOST_DISKS, MOST_PEERS, MOST_SWITCHES, MOST_UNITS
from bot.clustermgr.status_codes import Answer
from bot.common.errors import ClusterBadAnswer

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Bound:
    """The largest answer of one call: bytes of its body, and objects and lists in it."""

    size: int
    parts: int


FEW = 100
"""Objects and lists around the rows of an answer."""
FIELDS = 12
"""Values for each of them at the most; releases send six to twenty in a row, and twice as many parts are allowed."""
STAT = Bound(1 << 20, 4 * MOST_PEERS + FEW)
DISKS = Bound(1 << 20, 2 * MOST_DISKS + FEW)
"""One page of /disk/list."""
DROPPING = Bound(4 << 20, 2 * MOST_DISKS + FEW)
"""All disks that are being dropped: this list has no pages."""
UNITS = Bound(4 << 20, MOST_UNITS + FEW)
DISK = Bound(1 << 16, FEW)
SWITCH = Bound(1 << 16, FEW)
SWITCHES = Bound(1 << 18, MOST_SWITCHES + FEW)
CONFIGS = Bound(1 << 16, FEW)
"""A map has no end at its first wrong item, so this one is shorter."""


def parsed(model: type[M], answer: Answer, bound: Bound) -> M:
    """The body as that model; raises ClusterBadAnswer."""
    if _parts(answer.body) > bound.parts or answer.body.count(b",") > FIELDS * bound.parts:
        raise garbled(answer)
    try:
        return model.model_validate_json(answer.body)
    except (ValidationError, RecursionError) as error:
        raise garbled(answer) from error


def _parts(body: bytes) -> int:
    return body.count(b"{") + body.count(b"[")


_STRING = TypeAdapter(str)


def text(answer: Answer) -> str:
    """The body as one JSON string; raises ClusterBadAnswer."""
    try:
        return _STRING.validate_json(answer.body, strict=True)
    except (ValidationError, RecursionError) as error:
        raise garbled(answer) from error


def garbled(answer: Answer) -> ClusterBadAnswer:
    """The error of an answer that is not of the documented shape."""
    return ClusterBadAnswer(
        f"{answer.host} answered with something that is not what Clustermgr says: is the address right?",
        host=answer.host,
        status=answer.status,
        trace_id=answer.trace_id,
    )

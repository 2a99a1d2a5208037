"""Hash chain of the audit log: hashes a row, and finds the first row that does not fit. No I/O.

docs/audit.md documents the rule for other programs; no change here may break it for existing rows.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import UTC, datetime, timedelta

from bot.common.errors import Problem, Refused
from bot.common.frozen import frozen
from bot.common.json_object import JsonValue

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_NOTED = re.compile(r"(\d{1,15}):([0-9a-f]{12,64})")
_SHOWN = 16


@frozen
class AuditEntry:
    """An entry: time (Unix seconds, kept to the millisecond), actor (Slack user id, "" for the program), action.

    `action` is a dotted word such as `operation.running`; `op_id` is 0 and `cluster` "" where there is none; `detail`
    is stored as JSON.
    """

    at: float
    actor: str
    action: str
    cluster: str = ""
    op_id: int = 0
    detail: Mapping[str, JsonValue] = field(default_factory=dict)


@frozen
class Head:
    """The end of a chain: number and hash of its last row. A kept head proves the rows before it."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"

    @property
    def short(self) -> str:
        """The head with a short hash, for a person to keep."""
        return f"{self.seq}:{self.hash[:_SHOWN]}"


GENESIS = Head(0, "0" * 64)
"""The head before the first row."""


@frozen
class AuditRow:
    """One hashed row. `detail` is the stored JSON text, because that text is hashed."""

    seq: int
    at: float
    actor: str
    action: str
    cluster: str
    op_id: int
    detail: str
    prev_hash: str
    hash: str

    @property
    def head(self) -> Head:
        """The chain that ends with this row."""
        return Head(self.seq, self.hash)

    @property
    def details(self) -> Mapping[str, JsonValue]:
        """The detail as an object, {} if it is none."""
        try:
            found = json.loads(self.detail)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


@frozen
class BadHead(Problem):
    """The text is not a head as people keep it."""


@frozen
class BrokenChain:
    """The first row that does not fit, and why; `seq` is its number, or that of the missing row.

    `after` is the end of the valid chain before it.
    """

    seq: int
    why: str
    after: Head = GENESIS


def stamp(at: float) -> str:
    """Format `at` (Unix seconds) as `2025-12-31T23:59:59.123Z`. Raises ValueError, OverflowError."""
    moment = _EPOCH + timedelta(milliseconds=round(at * 1000))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def unstamp(text: str) -> float:
    """Return the time that `stamp` wrote; raises ValueError for any other spelling."""
    at = (datetime.fromisoformat(text).astimezone(UTC) - _EPOCH) // _MILLISECOND / 1000
    if stamp(at) != text:
        raise ValueError(f"write the time as {stamp(at)}")
    return at


def next_row(after: Head, *, at: float, actor: str, action: str, cluster: str, op_id: int, detail: str) -> AuditRow:
    """Return the row after `after`; raises ValueError, TypeError or OverflowError for values that no row can hold."""
    hashed = {
        "seq": after.seq + 1,
        "at": stamp(at),
        "actor": actor,
        "action": action,
        "cluster": cluster,
        "op_id": op_id,
        "detail": detail,
        "prev_hash": after.hash,
    }
    # For texts and whole numbers this is the canonical form of RFC 8785.
    text = json.dumps(hashed, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    kept = round(at * 1000) / 1000
    return AuditRow(after.seq + 1, kept, actor, action, cluster, op_id, detail, after.hash, digest)


def verify(rows: Iterable[AuditRow], *, start: Head = GENESIS, noted: Head | None = None) -> BrokenChain | None:
    """Find the first row that does not follow from the one before it, None when all do.

    `start` is what the first of `rows` must follow; with `noted`, the row of that number must have that hash (which may
    be cut short). `cut_off` reports rows that are missing at the end.
    """
    head = start
    for row in rows:
        why = _misfit(head, row) or _contradiction(row, noted)
        if why:
            return BrokenChain(row.seq, why, head)
        head = row.head
    return None


def cut_off(end: Head, noted: Head | None) -> BrokenChain | None:
    """Return the fault if a chain that ends with `end` lacks rows that existed at `noted`."""
    if noted is None or noted.seq <= end.seq:
        return None
    why = f"the log ends with row {end.seq}, but row {noted.seq} existed: the end was removed"
    return BrokenChain(end.seq + 1, why, end)


def _misfit(head: Head, row: AuditRow) -> str:
    due = head.seq + 1
    if row.seq != due:
        return f"it is in the place of row {due}: rows were removed, doubled or exchanged"
    if row.prev_hash != head.hash:
        return f"its prev_hash is not the hash of row {head.seq}: one of the two was changed or exchanged"
    return "" if _fits(head, row) else "its hash does not fit its content: it was changed"


def _fits(head: Head, row: AuditRow) -> bool:
    try:
        expected = next_row(
            head,
            at=row.at,
            actor=row.actor,
            action=row.action,
            cluster=row.cluster,
            op_id=row.op_id,
            detail=row.detail,
        )
    except (ValueError, TypeError, OverflowError):
        return False
    return expected == row


def _contradiction(row: AuditRow, noted: Head | None) -> str:
    if noted is None or noted.seq != row.seq or row.hash.startswith(noted.hash):
        return ""
    return "its hash is not the noted one: the log was rewritten"


def parse_head(text: str) -> Head:
    """Parse a head as people keep it, `42:9f86d081884c`; raises Refused."""
    match = _NOTED.fullmatch(text.strip().lower())
    if match is None:
        raise Refused(BadHead())
    return Head(int(match[1]), match[2])

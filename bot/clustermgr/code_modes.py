"""Code modes of volumes: how many units each can lose, and how many acknowledge a write. No I/O.

Source: CubeFS blobstore v3.5.3 and its development line of December 2025 (common/codemode). An erasure code N+M(+L)
survives the loss of any M of its N+M units; its L local units help repairs inside one zone and must not be counted.
N copies survive the loss of N-1. This holds for blobs whose shards are complete: a write is acknowledged when
`put_quorum` units have it, so a fresh blob may lack up to `counted - put_quorum` shards until `shard_repair` has run.

Users may define the modes 240 to 255 in the settings of their servers. `/config/get?key=code_mode_extend` returns them
as JSON text: a list of `{code_mode, name, n, m, l, az_count, put_quorum, get_quorum, min_shard_size}`, or null (source
of CubeFS of 2026: ExtendCodeMode and Tactic in common/codemode; master was recorded with null only).
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bot.common.frozen import frozen


@frozen
class CodeMode:
    """One code mode; `counted` are the units that hold data or global parity, or the copies."""

    id: int
    name: str
    counted: int
    tolerated: int
    local: int
    put_quorum: int

    @property
    def units(self) -> int:
        """Number of all units, the local ones included."""
        return self.counted + self.local

    @property
    def unwritten(self) -> int:
        """Greatest number of units that a fresh blob may lack until `shard_repair` has run."""
        return self.counted - self.put_quorum


def _erasure(mode_id: int, name: str, split: tuple[int, int, int], put_quorum: int) -> CodeMode:
    data, parity, local = split
    return CodeMode(mode_id, name, data + parity, parity, local, put_quorum)


def _copies(mode_id: int, name: str, copies: int, put_quorum: int) -> CodeMode:
    return CodeMode(mode_id, name, copies, copies - 1, 0, put_quorum)


_MODES = (
    _erasure(1, "EC15P12", (15, 12, 0), 24),
    _erasure(2, "EC6P6", (6, 6, 0), 11),
    _erasure(3, "EC16P20L2", (16, 20, 2), 34),
    _erasure(4, "EC6P10L2", (6, 10, 2), 14),
    _erasure(5, "EC6P3L3", (6, 3, 3), 9),
    _erasure(6, "EC6P6Align0", (6, 6, 0), 11),
    _erasure(7, "EC6P6Align512", (6, 6, 0), 11),
    _erasure(8, "EC4P4L2", (4, 4, 2), 6),
    _erasure(9, "EC12P4", (12, 4, 0), 15),
    _erasure(10, "EC16P4", (16, 4, 0), 19),
    _erasure(11, "EC3P3", (3, 3, 0), 5),
    _erasure(12, "EC10P4", (10, 4, 0), 13),
    _erasure(13, "EC6P3", (6, 3, 0), 8),
    _erasure(14, "EC12P9", (12, 9, 0), 20),
    _erasure(15, "EC24P8", (24, 8, 0), 30),
    _copies(100, "Replica3", 3, 3),
    _copies(101, "Replica3OneAZ", 3, 3),
    _erasure(200, "EC6P6L9", (6, 6, 9), 11),
    _erasure(201, "EC6P8L10", (6, 8, 10), 13),
    _copies(202, "Replica4TwoAZ", 4, 3),
)
CODE_MODES: Mapping[int, CodeMode] = MappingProxyType({mode.id: mode for mode in _MODES})
"""Every mode of the releases by its id on the wire. Ids 240 to 255 are defined by users; any other id is unknown."""

_EXTENDED = range(240, 256)
MAX_UNITS_OF_MODE = 64
"""Limit of the units of a volume; the widest known code mode has 38."""
_MAX_DEFINED = 64
"""Limit of definitions in one value; only 16 ids exist."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,39}")
_NAMES = frozenset(mode.name for mode in _MODES)
_LIST = TypeAdapter(list[Any] | None)

_Units = Annotated[int, Field(strict=True, ge=0, le=MAX_UNITS_OF_MODE)]


class _Definition(BaseModel):
    """One mode that users defined; servers send all these keys."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code_mode: Annotated[int, Field(strict=True, ge=_EXTENDED.start, lt=_EXTENDED.stop)]
    name: Annotated[str, Field(max_length=40)]
    n: Annotated[_Units, Field(gt=0)]
    m: _Units
    l: _Units  # noqa: E741 - the name on the wire
    az_count: Annotated[_Units, Field(gt=0)]
    put_quorum: _Units

    @property
    def usable(self) -> bool:
        """True if servers can run with it: they refuse to start with any other (source: Extend, Tactic.IsValid)."""
        zones = all(units % self.az_count == 0 for units in (self.n, self.m, self.l))
        return (
            _NAME.fullmatch(self.name) is not None
            and self.name not in _NAMES
            and zones
            and (self.m > 0 or self.l == 0)
            and self.n <= self.put_quorum <= self.n + self.m
            and self.n + self.m + self.l <= MAX_UNITS_OF_MODE
        )

    def mode(self) -> CodeMode:
        """The mode; without parity its units are copies."""
        if not self.m:
            return _copies(self.code_mode, self.name, self.n, self.put_quorum)
        return _erasure(self.code_mode, self.name, (self.n, self.m, self.l), self.put_quorum)


def is_extended(mode_id: int) -> bool:
    """True for an id that users may define."""
    return mode_id in _EXTENDED


def extended_modes(value: str | None) -> tuple[CodeMode, ...]:
    """The modes that a stored value defines, by id; one that is not usable, or is defined in two ways, is left out.

    `value` is the text under `code_mode_extend`, None if there is none. A value of another form defines nothing.
    """
    if value is None:
        return ()
    try:
        items = _LIST.validate_json(value) or []
    except (ValidationError, RecursionError):
        return ()
    if len(items) > _MAX_DEFINED:
        return ()
    defined = {found.mode() if found.usable else _unusable(found) for found in map(_definition, items) if found}
    ids, names = Counter(mode.id for mode in defined), Counter(mode.name for mode in defined)
    good = (mode for mode in defined if mode.counted and ids[mode.id] == 1 and names[mode.name] == 1)
    return tuple(sorted(good, key=lambda mode: mode.id))


def _definition(item: Any) -> _Definition | None:
    try:
        return _Definition.model_validate(item)
    except (ValidationError, RecursionError):
        return None


def _unusable(found: _Definition) -> CodeMode:
    """A mode without units: it contradicts any other definition of its id."""
    return CodeMode(found.code_mode, found.name, 0, 0, 0, 0)


def mode_of(mode_id: int, units: int, extended: Iterable[CodeMode] = ()) -> CodeMode | None:
    """The mode of a volume with so many units; None if it is not known, or if its definition has other units."""
    known = CODE_MODES.get(mode_id)
    if known is not None or not is_extended(mode_id):
        return known
    return next((mode for mode in extended if mode.id == mode_id and mode.units == units), None)

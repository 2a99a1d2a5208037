"""Code modes of volumes: how many units each can lose, and how many acknowledge a write. No I/O.

Source: CubeFS blobstore v3.5.3 and its development line of December 2025 (common/codemode). An erasure code N+M(+L)
survives the loss of any M of its N+M units; its L local units help repairs inside one zone and must not be counted.
N copies survive the loss of N-1. This holds for blobs whose shards are complete: a write is acknowledged when
`put_quorum` units have it, so a fresh blob may lack up to `counted - put_quorum` shards until `shard_repair` has run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
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
"""Every known mode by its id on the wire. Ids 240 to 255 are defined by users; any other id is unknown."""

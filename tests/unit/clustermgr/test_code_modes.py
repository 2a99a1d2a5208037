"""Code modes: the table of the servers, and the arithmetic of each."""

import pytest

from bot.clustermgr.code_modes import CODE_MODES

# id, name, units that count, tolerated losses, local units, units that acknowledge a write: typed from the servers'
# table (common/codemode), not computed by the code under test.
TABLE = (
    (1, "EC15P12", 27, 12, 0, 24),
    (2, "EC6P6", 12, 6, 0, 11),
    (3, "EC16P20L2", 36, 20, 2, 34),
    (4, "EC6P10L2", 16, 10, 2, 14),
    (5, "EC6P3L3", 9, 3, 3, 9),
    (6, "EC6P6Align0", 12, 6, 0, 11),
    (7, "EC6P6Align512", 12, 6, 0, 11),
    (8, "EC4P4L2", 8, 4, 2, 6),
    (9, "EC12P4", 16, 4, 0, 15),
    (10, "EC16P4", 20, 4, 0, 19),
    (11, "EC3P3", 6, 3, 0, 5),
    (12, "EC10P4", 14, 4, 0, 13),
    (13, "EC6P3", 9, 3, 0, 8),
    (14, "EC12P9", 21, 9, 0, 20),
    (15, "EC24P8", 32, 8, 0, 30),
    (100, "Replica3", 3, 2, 0, 3),
    (101, "Replica3OneAZ", 3, 2, 0, 3),
    (200, "EC6P6L9", 12, 6, 9, 11),
    (201, "EC6P8L10", 14, 8, 10, 13),
    (202, "Replica4TwoAZ", 4, 3, 0, 3),
)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[1])
def test_mode_has_the_numbers_of_the_servers(row: tuple[int, str, int, int, int, int]) -> None:
    mode = CODE_MODES[row[0]]
    assert (mode.id, mode.name, mode.counted, mode.tolerated, mode.local, mode.put_quorum) == row
    assert mode.units == row[2] + row[4]
    assert mode.unwritten == row[2] - row[5]


def test_table_lists_all_modes() -> None:
    assert set(CODE_MODES) == {row[0] for row in TABLE}

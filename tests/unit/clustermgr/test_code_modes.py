"""Code modes: the table of the servers, and the arithmetic of each."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clustermgr.code_modes import CODE_MODES, extended_modes, mode_of

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


# --- modes that users defined


def defined(**fields: Any) -> dict[str, Any]:
    """A definition as the servers write it, with these fields changed."""
    row = {"code_mode": 250, "name": "EC4P2", "n": 4, "m": 2, "l": 0, "az_count": 1, "put_quorum": 5, "get_quorum": 0}
    return row | {"min_shard_size": 2048, "adapt_shard_size": 0} | fields


def read(*rows: Any) -> list[int]:
    return [mode.id for mode in extended_modes(json.dumps(rows))]


def test_defined_mode_has_its_own_numbers() -> None:
    (mode,) = extended_modes(json.dumps([defined(n=6, m=3, l=3, az_count=3, put_quorum=8, code_mode=240)]))
    assert (mode.id, mode.counted, mode.tolerated, mode.local, mode.put_quorum) == (240, 9, 3, 3, 8)
    assert (mode.units, mode.unwritten) == (12, 1)


def test_defined_mode_without_parity_is_a_number_of_copies() -> None:
    (mode,) = extended_modes(json.dumps([defined(name="Replica5", n=5, m=0, put_quorum=5)]))
    assert (mode.counted, mode.tolerated, mode.units) == (5, 4, 5)


@pytest.mark.parametrize(
    "fields",
    [
        {"code_mode": 239},
        {"code_mode": 256},
        {"code_mode": "250"},
        {"code_mode": None},
        {"n": 0},
        {"n": -4},
        {"n": 4.0},
        {"n": True},
        {"m": 0, "l": 2},
        {"m": 1 << 70},
        {"n": 60, "m": 5},
        {"az_count": 0},
        {"az_count": 3},
        {"put_quorum": 3},
        {"put_quorum": 7},
        {"name": ""},
        {"name": "EC6P6"},
        {"name": "<!channel>"},
        {"name": "x" * 41},
    ],
    ids=str,
)
def test_definition_that_servers_would_not_run_with_is_left_out(fields: dict[str, Any]) -> None:
    assert read(defined(**fields)) == []
    assert read(defined(**fields), defined(code_mode=251, name="other")) == [251]


@pytest.mark.parametrize("key", ["code_mode", "name", "n", "m", "l", "az_count", "put_quorum"])
def test_definition_that_lacks_a_key_is_left_out(key: str) -> None:
    assert read({name: value for name, value in defined().items() if name != key}) == []


def test_mode_that_is_defined_in_two_ways_is_unknown() -> None:
    assert read(defined(), defined(m=4, put_quorum=7)) == []
    assert read(defined(), defined(put_quorum=3)) == []
    assert read(defined(), defined(code_mode=251)) == []
    assert read(defined(), defined()) == [250]


@pytest.mark.parametrize(
    "value", [None, "", "null", "[]", "{}", "7", '"[]"', "[null, 7, [], {}]", "[" * 50_000, "not JSON"]
)
def test_value_of_another_form_defines_nothing(value: str | None) -> None:
    assert extended_modes(value) == ()


def test_endless_list_of_definitions_defines_nothing() -> None:
    assert read(*(defined() for _ in range(65))) == []


def test_volume_with_other_units_than_its_definition_has_no_mode() -> None:
    known = extended_modes(json.dumps([defined()]))
    assert mode_of(250, 6, known) == known[0]
    assert mode_of(250, 5, known) is mode_of(251, 6, known) is mode_of(250, 6) is None
    assert mode_of(11, 6, known) == CODE_MODES[11]


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_value_is_read_without_an_error(value: str) -> None:
    assert extended_modes(value) == ()

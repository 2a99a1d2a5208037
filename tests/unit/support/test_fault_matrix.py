"""The representative part of a fault matrix misses no fault and no call."""

import pytest

from tests.support.fault_matrix import cells

FAULTS = [f"fault {number}" for number in range(5)]


@pytest.mark.parametrize("size", [1, 2, 5, 6, 12])
def test_unmarked_cells_hold_every_fault_and_call(size: int) -> None:
    calls = [f"call {number}" for number in range(size)]
    unmarked = [cell.values for cell in cells(FAULTS, calls) if not cell.marks]
    assert {fault for fault, _ in unmarked} == set(FAULTS)
    assert {call for _, call in unmarked} == set(calls)
    assert len(unmarked) == max(len(FAULTS), size)


def test_cells_are_all_pairs_once() -> None:
    pairs = [cell.values for cell in cells(FAULTS, ["a", "b"])]
    assert sorted(map(str, pairs)) == sorted(str((fault, call)) for fault in FAULTS for call in "ab")

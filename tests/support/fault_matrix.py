"""The cells of a matrix of faults and calls: a representative part in `make test`, the rest in `make test-matrix`."""

from collections.abc import Iterable

import pytest
from _pytest.mark.structures import ParameterSet


def cells(faults: Iterable[str], calls: Iterable[str]) -> list[ParameterSet]:
    """List every pair of a fault and a call.

    Every fault and every call is in at least one pair without the mark `matrix`: a pair on the wrapped diagonal.
    """
    rows, columns = list(faults), list(calls)
    chosen = {(n % len(rows), n % len(columns)) for n in range(max(len(rows), len(columns)))}
    return [
        pytest.param(fault, call, marks=[] if (row, column) in chosen else [pytest.mark.matrix])
        for row, fault in enumerate(rows)
        for column, call in enumerate(columns)
    ]

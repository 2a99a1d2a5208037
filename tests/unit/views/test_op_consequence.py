"""The consequence in the dialog before a change of members, at the edge of a quorum."""

from dataclasses import replace

import pytest

from bot.operations.model import Operation
from bot.operations.preflight.fingerprint import Fingerprint
from bot.operations.preflight.verdict import PreflightResult
from bot.operations.requests import MemberRemove
from bot.views.op_dialog import consequence

REMOVE = Operation("prod", MemberRemove(2), "U0ANNA", 0.0, 900.0)
STATE = Fingerprint(leader=1, term=5, voters=(1, 2, 3))


@pytest.mark.parametrize(
    ("healthy", "text"),
    [
        ((1,), "Afterwards: quorum 2 of 2, 1 healthy: fewer than a quorum, so WRITES STOP."),
        (
            (1, 3),
            "Afterwards: quorum 2 of 2, 2 healthy: it can lose no more voters. If peer 1 or 3 stops, writes stop.",
        ),
    ],
)
def test_removal_at_the_edge_of_the_quorum_says_what_stops(healthy: tuple[int, ...], text: str) -> None:
    assert consequence(REMOVE, PreflightResult((), replace(STATE, healthy=healthy))) == text


def test_consequence_without_known_voters_is_left_out() -> None:
    assert consequence(REMOVE, PreflightResult((), Fingerprint())) == ""

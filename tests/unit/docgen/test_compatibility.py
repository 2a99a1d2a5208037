"""docs/compatibility.md is what the recordings and the simulated cluster say."""

from collections import Counter

import pytest

from tests.contract.test_recorded import METHODS
from tests.docgen.compatibility import CALLS, PAGE, RELEASES, cell, recorded, render


def test_committed_page_equals_the_generated_one() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run `make docs`"


def test_every_call_of_the_client_has_a_row() -> None:
    assert METHODS.keys() <= {(entry.method, entry.path) for entry in CALLS}


def test_every_release_of_the_page_is_recorded() -> None:
    assert {release for release, _, _ in recorded()} == set(RELEASES)


@pytest.mark.parametrize(
    ("counted", "status", "client", "text"),
    [
        (None, 200, True, "simulated"),
        (None, 404, True, "not there"),
        (Counter({404: 1}), 404, False, "not there (recorded)"),
        (Counter({404: 1}), 200, False, "recorded: 404 (1)"),
        (Counter({911: 1, 200: 12}), 200, True, "recorded ✓: 200 (12), 911 (1)"),
    ],
)
def test_cell_says_what_is_proven(counted: Counter[int] | None, status: int, *, client: bool, text: str) -> None:
    assert cell(counted, status, client=client) == text

"""The short run of `make fuzz`: hypothesis varies the valid inputs of every target and tries arbitrary bytes."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, Target
from tests.fuzz.watchdog import timed
from tests.support.budget import examples

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
NAMES = """disks marker disk_id status host idc configs balance raft_status peers term leader nodeId space_stat kvs key
value state values op alert for id hash clusters name hosts slack access rules policies"""
FIELDS = st.sampled_from(NAMES.split()) | st.text(max_size=8)
DOCUMENTS = st.recursive(
    SCALARS, lambda part: st.lists(part, max_size=4) | st.dictionaries(FIELDS, part, max_size=5), max_leaves=25
)


def varied(target: Target) -> st.SearchStrategy[bytes]:
    """Valid inputs with a piece replaced, JSON documents of known fields, text, and arbitrary bytes."""
    seeds = st.sampled_from(target.seeds)
    cut = st.tuples(seeds, st.floats(0, 1), st.floats(0, 1), st.binary(max_size=20)).map(
        lambda given: given[0][: int(len(given[0]) * given[1])] + given[3] + given[0][int(len(given[0]) * given[2]) :]
    )
    documents = DOCUMENTS.map(lambda held: json.dumps(held).encode())
    return cut | documents | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")) | st.binary()


@pytest.mark.fuzz
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_hostile_input_never_crashes_or_stalls(target: Target) -> None:
    @settings(max_examples=examples(150))
    @given(varied(target))
    def check(data: bytes) -> None:
        timed(target.check, data)

    check()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_valid_seeds_pass_their_target(target: Target) -> None:
    for seed in target.seeds:
        target.check(seed)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b"- ", b"{", b"&a [", b"(", b'"'])
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_deep_nesting_never_crashes_or_stalls(target: Target, opening: bytes) -> None:
    timed(target.check, opening * (8000 // len(opening)))

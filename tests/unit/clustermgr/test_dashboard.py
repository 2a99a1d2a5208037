"""The cluster's own dashboard, known in outline only: what fits is used, and nothing hostile gets through."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clustermgr import decoding
from bot.clustermgr.dashboard import Dashboard, ExpiredDisks, VolumeSafety, dashboard_of, resolved
from bot.clustermgr.decoding import parse
from bot.clustermgr.models import DashboardPage
from bot.clustermgr.status_codes import Answer
from bot.common.errors import ClusterBadAnswer

COUNTS = {"safe_volumes": 90, "degraded_volumes": 7, "at_risk_volumes": 2, "data_loss_volumes": 1}
DISKS = {"http://10.0.0.1:8899": frozenset({1, 2}), "http://10.0.0.2:8899": frozenset({3, 4})}


def test_counts_and_hosts_are_kept() -> None:
    service = {"expired_by_node": {"http://10.0.0.1:8899": [1], "10.0.0.2": 2, "10.0.0.3": 0}, "offline_nodes": []}
    assert dashboard_of({**COUNTS, "unsafe_details": [{"vid": 1}]}, service, 9.0) == Dashboard(
        9.0,
        VolumeSafety(7, 2, 1),
        {"http://10.0.0.1:8899": ExpiredDisks(frozenset({1}), 1), "10.0.0.2": ExpiredDisks(number=2)},
    )


@pytest.mark.parametrize(
    "part",
    [
        None,
        [],
        "many",
        7,
        {},
        COUNTS | {"data_loss_volumes": None},
        COUNTS | {"at_risk_volumes": -1},
        COUNTS | {"at_risk_volumes": 2.5},
        COUNTS | {"at_risk_volumes": True},
        COUNTS | {"degraded_volumes": 10**30},
        COUNTS | {"degraded_volumes": "7"},
    ],
)
def test_counts_of_another_shape_are_not_used(part: Any) -> None:
    found = dashboard_of(part, None, 1.0)
    assert (found.safety, found.usable) == (None, False)


@pytest.mark.parametrize(
    "expired", [None, [], "10.0.0.1", 3, {"": 1}, {"h" * 500: 1}, {f"h{n}": 1 for n in range(3000)}, {"h": None}]
)
def test_hosts_of_another_shape_are_not_used(expired: Any) -> None:
    assert not dashboard_of(None, {"expired_by_node": expired}, 1.0).expired


def test_other_values_only_name_the_host() -> None:
    found = dashboard_of(None, {"expired_by_node": {"a": {"disks": 3}, "b": [True, "x", -1, 7]}}, 1.0)
    assert found.expired == {"a": ExpiredDisks(), "b": ExpiredDisks(frozenset({7}), 4)}


def test_number_names_disks_only_if_it_is_that_of_the_host() -> None:
    some = resolved(Dashboard(1.0, None, {"10.0.0.1:8899": ExpiredDisks(number=1)}), DISKS)
    assert not some.named
    assert some.possible == {1, 2}
    every = resolved(Dashboard(1.0, None, {"10.0.0.1": ExpiredDisks(number=2)}), DISKS)
    assert every.named == {1, 2}


def test_ids_count_only_on_their_own_host() -> None:
    answered = {"10.0.0.2": ExpiredDisks(frozenset({1, 3}), 2), "10.9.9.9": ExpiredDisks(frozenset({4}), 1)}
    found = resolved(Dashboard(1.0, None, answered), DISKS)
    assert found.named == {3}
    assert found.possible == {3, 4}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, JSON)
def test_no_answer_breaks_the_reading(volume_safety: Any, expired: Any) -> None:
    found = resolved(dashboard_of(volume_safety, {"expired_by_node": expired}, 1.0), DISKS)
    assert found.named <= found.possible <= {1, 2, 3, 4}


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"[]",
        b"not json",
        b'{"volume_safety": ' + b"[" * 6000 + b"]" * 6000 + b"}",
        b'{"service": {"expired_by_node": {"h": ' + b"9" * 9000 + b"}}}",
    ],
)
def test_hostile_bodies_are_bad_answers(body: bytes) -> None:
    with pytest.raises(ClusterBadAnswer):
        parse(DashboardPage, Answer("h:1", 200, body, "", 0.1, is_json=True), decoding.DASHBOARD)

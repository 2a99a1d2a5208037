"""The measurement of a snapshot: the leader's own view only, and no more ids than can be stored."""

import pytest

from bot.alerting.sample import MAX_IDS, sample_of
from bot.clustermgr.models import Disk
from tests.support.watch_builders import dark, polled


def test_snapshot_without_a_leader_is_not_measured() -> None:
    assert sample_of(dark(100)) is None


@pytest.mark.parametrize(("number", "kept"), [(0, True), (MAX_IDS, True), (MAX_IDS + 1, False)])
def test_ids_of_bad_disks_are_kept_up_to_the_limit(number: int, kept: bool) -> None:
    bad = tuple(Disk(disk_id=n, status=2) for n in range(number))
    found = sample_of(polled(100, bad=bad))
    assert found is not None
    assert found.bad == (tuple(range(number)) if kept else None)

"""The end of a drop, from answers that may be wrong once; over real sockets and a database."""

import time
from dataclasses import replace

import pytest

from bot.operations.disk_step_facts import DropEnded
from bot.operations.model import Operation, OpState
from bot.operations.requests import DiskOffline, DisksOffline
from bot.views.operations import card
from bot.workflow.drop_progress import SAME_END_SECONDS, DropFollower
from tests.component.workflow.test_disk_offline_run import Bench, bench, empty, found_of, running_series
from tests.support.view_samples import seen

__all__ = ["bench"]
pytestmark = pytest.mark.fast_time


def follower_of(bench: Bench) -> DropFollower:
    return DropFollower(bench.repository, {"prod": bench.cluster}, time.time, every=0.0)


async def part_of(bench: Bench, op: Operation) -> Operation:
    return next(
        each
        for each in await bench.repository.recent("prod", 9)
        if each.options.part_of is not None and each.options.part_of.of == op.id
    )


async def test_one_list_without_the_disk_does_not_end_its_drop(bench: Bench) -> None:
    op, series = await running_series(bench, DisksOffline((7, 9)))
    await series.advance()
    bench.simulated.set_switch("disk_drop", "false")
    disk, follower = bench.simulated.data.disks[7], follower_of(bench)
    for listed in (True, False, True, False):
        disk.dropping = listed
        await follower.follow()
        part = await part_of(bench, op)
        assert part.seen.drop is not None
        assert not part.seen.drop.over
        assert "disk #7, being dropped, as of" in seen(card(await found_of(bench, op)))
    disk.dropping = True
    await series.advance()
    assert (await found_of(bench, op)).state is OpState.RUNNING
    bench.simulated.set_switch("disk_drop", "true")
    await empty(bench, 7)
    await follower.follow()
    assert "safe to pull: no unit left" in seen(card(await part_of(bench, op)))


async def test_disk_that_two_looks_in_a_row_do_not_show_as_dropped_is_said(bench: Bench) -> None:
    op = await bench.run(DiskOffline(7))
    follower = follower_of(bench)
    bench.simulated.data.disks[7].dropping = False
    await follower.follow()
    await follower.follow()
    found = await found_of(bench, op)
    assert found.seen.drop is not None
    assert found.seen.drop.over
    assert isinstance(found.history[-1].fact, DropEnded)


async def test_moving_units_of_a_dropped_disk_are_no_step_each(bench: Bench) -> None:
    """They are counted for as long as some are left; each step would be a message in the thread."""
    op = await bench.run(DiskOffline(7))
    follower = follower_of(bench)
    await empty(bench, 7)
    bench.simulated.land_unit(7)
    await follower.follow()
    first = await found_of(bench, op)
    bench.simulated.land_unit(7)
    await follower.follow()
    second = await found_of(bench, op)
    assert len(second.history) == len(first.history)
    assert second.seen.drop is not None
    assert second.seen.drop.counts[-1].left == 2
    later = lambda: time.time() + SAME_END_SECONDS + 60.0  # noqa: E731 - the clock of both
    follower.clock, follower.repository = later, replace(bench.repository, clock=later)
    await follower.follow()
    assert len((await found_of(bench, op)).history) == len(first.history) + 1

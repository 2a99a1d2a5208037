"""The end of the start: what exists by then costs no garbage collection any more, and full ones are seldom."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from bot.runtime.garbage import FULL_AFTER, collect_and_spare


@pytest.fixture
def restored() -> Iterator[None]:
    """Leave the collector as it was."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("restored")
def test_objects_of_the_start_are_left_out_of_later_collections() -> None:
    kept = {"of": {"the": "start"}}
    collect_and_spare()
    assert gc.get_freeze_count() > 0
    assert not any(each is kept for each in gc.get_objects())
    gc.unfreeze()
    assert any(each is kept for each in gc.get_objects())


@pytest.mark.usefixtures("restored")
def test_full_collections_are_seldom_and_young_ones_as_before() -> None:
    before = gc.get_threshold()
    collect_and_spare()
    assert gc.get_threshold() == (*before[:2], FULL_AFTER)


class Part:
    """A part of the program, which knows itself through others."""

    def __init__(self) -> None:
        self.own = self


@pytest.mark.usefixtures("restored")
def test_what_the_start_left_out_is_freed_at_a_reload() -> None:
    part = Part()
    seen = weakref.ref(part)
    collect_and_spare()
    del part
    gc.collect()
    assert seen() is not None, "left out"
    collect_and_spare()
    assert seen() is None

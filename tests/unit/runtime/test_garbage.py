"""The end of the start: what exists by then costs no garbage collection any more."""

import gc

from bot.runtime.garbage import spare_startup


def test_objects_of_the_start_are_left_out_of_later_collections() -> None:
    kept = {"of": {"the": "start"}}
    try:
        spare_startup()
        assert gc.get_freeze_count() > 0
        assert not any(each is kept for each in gc.get_objects())
    finally:
        gc.unfreeze()
    assert any(each is kept for each in gc.get_objects())

"""Notes of other processes are as old as they are, whatever their clocks say."""

import pytest

from bot.leadership.remote_notes import RemoteNotes

NOW = 1_700_000_000.0
HOUR = 3600.0


@pytest.mark.parametrize("skew", [-HOUR, HOUR, 365 * 24 * HOUR])
def test_a_note_by_another_clock_is_dated_when_it_came(skew: float) -> None:
    heard = RemoteNotes()
    heard.dated("prod", {"at": NOW - 60 + skew}, NOW - 55)
    assert heard.dated("prod", {"at": NOW + skew, "term": 7}, NOW + 5) == {"at": NOW + 5, "term": 7}
    assert heard.dated("prod", {"at": NOW + skew}, NOW + 300)["at"] == NOW + 5, "it gets old"


def test_a_note_by_the_same_clock_keeps_its_time() -> None:
    heard = RemoteNotes()
    assert heard.dated("prod", {"at": NOW - 60}, NOW - 55)["at"] == NOW - 60
    assert heard.dated("prod", {"at": NOW}, NOW + 5)["at"] == NOW


def test_the_first_note_is_never_of_a_time_to_come() -> None:
    assert RemoteNotes().dated("prod", {"at": NOW + HOUR}, NOW)["at"] == NOW
    assert RemoteNotes().dated("prod", {}, NOW)["at"] == 0.0

"""The pace of reads of units and volumes over all clusters."""

from dataclasses import dataclass

from bot.clustermgr.read_pace import BURST, RATE, RATE_LATE, ReadPace, Urgency


@dataclass
class Times:
    now: float = 1000.0
    late: bool = False

    def pace(self, *, spent: float = 0) -> ReadPace:
        pace = ReadPace(lambda: self.now, lambda: self.late)
        assert pace.admits(Urgency.AGAIN)
        pace.spend(int(spent))
        return pace


def test_few_clusters_read_everything_at_once() -> None:
    pace = Times().pace(spent=BURST / 2 - 1)
    assert all(pace.admits(urgency) for urgency in Urgency)


def test_what_was_read_before_waits_first_and_what_has_begun_last() -> None:
    half, spent, owed = (Times().pace(spent=reads) for reads in (BURST / 2, BURST, 2 * BURST))
    assert [pace.admits(Urgency.AGAIN) for pace in (half, spent, owed)] == [False, False, False]
    assert [pace.admits(Urgency.FIRST) for pace in (half, spent, owed)] == [True, False, False]
    assert [pace.admits(Urgency.GO_ON) for pace in (half, spent, owed)] == [True, True, False]


def test_reads_go_on_after_the_time_that_they_cost() -> None:
    times = Times()
    pace = times.pace(spent=BURST + 10 * RATE)
    times.now += 10
    assert not pace.admits(Urgency.FIRST)
    times.now += 0.1
    assert pace.admits(Urgency.FIRST)


def test_late_polls_slow_the_reads_down() -> None:
    times = Times(late=True)
    pace = times.pace(spent=BURST + RATE)
    times.now += RATE / RATE_LATE
    assert not pace.admits(Urgency.FIRST)
    times.late = False
    times.now += 0.1
    assert pace.admits(Urgency.FIRST)

"""The pace of reads of units and volumes over all clusters."""

from dataclasses import dataclass

from bot.clustermgr.read_pace import BURST, RATE, RATE_LATE, REMEMBERED_SECONDS, ReadPace, Urgency


@dataclass
class Times:
    now: float = 1000.0
    late: bool = False

    def pace(self, *, made: float = 0) -> ReadPace:
        pace = ReadPace(lambda: self.now, lambda: self.late)
        assert pace.admits(Urgency.AGAIN, 0)
        pace.made(int(made))
        return pace


def test_few_clusters_read_everything_at_once() -> None:
    pace = Times().pace(made=BURST / 2 - 1)
    assert all(pace.admits(urgency, 0) for urgency in Urgency)


def test_what_was_read_before_waits_first_and_what_has_begun_last() -> None:
    half, made, owed = (Times().pace(made=reads) for reads in (BURST / 2, BURST, 2 * BURST))
    assert [pace.admits(Urgency.AGAIN, 0) for pace in (half, made, owed)] == [False, False, False]
    assert [pace.admits(Urgency.FIRST, 0) for pace in (half, made, owed)] == [True, False, False]
    assert [pace.admits(Urgency.GO_ON, 0) for pace in (half, made, owed)] == [True, True, False]


def test_polls_at_one_moment_are_admitted_for_the_reads_that_they_may_make() -> None:
    pace = Times().pace()
    admitted = [pace.admits(Urgency.FIRST, 88) for _ in range(200)]
    assert sum(admitted) == 3, "200 reads, and the rest of the piece that crosses them"
    for _ in range(3):
        pace.made(0, booked=88)
    assert pace.admits(Urgency.FIRST, 88)


def test_reads_go_on_after_the_time_that_they_cost() -> None:
    times = Times()
    pace = times.pace(made=BURST + 10 * RATE)
    times.now += 10
    assert not pace.admits(Urgency.FIRST, 0)
    times.now += 0.1
    assert pace.admits(Urgency.FIRST, 0)


def test_late_polls_slow_the_reads_down() -> None:
    times = Times(late=True)
    pace = times.pace(made=BURST + RATE)
    times.now += RATE / RATE_LATE
    assert not pace.admits(Urgency.FIRST, 0)
    times.late = False
    times.now += 0.1
    assert pace.admits(Urgency.FIRST, 0)


def test_reads_wait_only_while_something_stays_unread() -> None:
    times = Times()
    pace = times.pace(made=BURST)
    assert not pace.admits(Urgency.AGAIN, 1)
    assert not pace.waiting
    assert not pace.admits(Urgency.FIRST, 1)
    assert pace.waiting
    times.now += REMEMBERED_SECONDS + 1
    assert pace.admits(Urgency.FIRST, 1)
    assert not pace.waiting

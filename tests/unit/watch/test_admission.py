"""Admission of polls: bounded, the oldest first, slow hosts beside the others, overload said and over again."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from bot.watch.admission import (
    BESIDE_COMMANDS,
    BRIEF_SECONDS,
    FEWEST,
    HOLD_SECONDS,
    LONGEST_STRETCH,
    LOOK_SECONDS,
    MOST,
    SLOW_TURN,
    Admission,
)

INTERVAL = 15.0


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def admission(clusters: int, clock: Clock | None = None, *, limit: float = 4.0, busy: bool = False) -> Admission:
    return Admission({f"c{n}": INTERVAL for n in range(clusters)}, clock or Clock(), busy=lambda: busy, limit=limit)


@asynccontextmanager
async def held(queue: Admission, names: list[str]) -> AsyncIterator[list[str]]:
    """Polls that have begun and do not end before the block does."""
    begun: list[str] = []
    end = asyncio.Event()

    async def poll(name: str) -> None:
        async with queue.turn(name):
            begun.append(name)
            await end.wait()

    tasks = [asyncio.create_task(poll(name)) for name in names]
    await settled()
    try:
        yield begun
    finally:
        end.set()
        await asyncio.gather(*tasks)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_polls_at_once_are_bounded() -> None:
    queue = admission(10)
    async with held(queue, [f"c{n}" for n in range(10)]) as begun:
        assert begun == ["c0", "c1", "c2", "c3"]
        assert (queue.waiting, queue.running) == (6, 4)
    assert len(begun) == 10
    assert (queue.waiting, queue.running) == (0, 0)


async def test_cluster_with_the_oldest_poll_is_next() -> None:
    clock = Clock()
    queue = admission(4, clock, limit=1.0)
    for name in ("c2", "c0", "c1"):
        clock.now += 1
        async with queue.turn(name):
            pass
    async with held(queue, ["c3", "c0", "c1", "c2"]) as begun:
        clock.now += 1
    # c3 has no poll yet, and begins because nothing else waited.
    assert begun == ["c3", "c2", "c0", "c1"]


async def test_no_poll_begins_once_the_program_ends() -> None:
    """A stop does not wait for polls that wait for their turn."""
    queue, polled = admission(4, limit=1.0), list[str]()

    async def poll() -> None:
        polled.append("c")

    async with held(queue, ["c0"]):
        waiting = [asyncio.create_task(queue.run(f"c{n}", poll)) for n in range(1, 4)]
        await settled()
        queue.closed = True
    async with asyncio.timeout(20):
        await asyncio.gather(*waiting)
    assert polled == []


async def test_poll_that_waits_for_a_slow_host_leaves_its_place() -> None:
    queue = admission(2, limit=1.0)
    async with held(queue, ["c0", "c1"]) as begun:
        assert begun == ["c0"]
        await until(lambda: begun == ["c0", "c1"])


async def test_poll_that_waits_for_the_event_loop_keeps_its_place() -> None:
    queue = admission(2, limit=1.0)
    async with held(queue, ["c0", "c1"]) as begun:
        # The event loop comes late to see that the poll is slow.
        queue._slow("c0", asyncio.get_running_loop().time() - 2 * SLOW_TURN)
        await settled()
        assert begun == ["c0"]
        await until(lambda: begun == ["c0", "c1"])


async def test_poll_that_is_held_keeps_its_place() -> None:
    """Else hundreds of polls begin beside each other, and all of them go on in one turn."""
    commands = [False]
    queue = Admission({"c0": INTERVAL, "c1": INTERVAL}, Clock(), busy=lambda: commands[0], limit=1.0)
    async with held(queue, ["c0", "c1"]) as begun:
        commands[0] = True
        read = asyncio.create_task(queue.give_way())
        await settled()
        queue._slow("c0", asyncio.get_running_loop().time())
        commands[0] = False
        await read
        await settled()
        assert begun == ["c0"]
        await until(lambda: begun == ["c0", "c1"])


async def test_polls_that_wait_for_slow_hosts_are_bounded_too() -> None:
    queue = admission(MOST + 1, limit=float(MOST + 1))
    async with held(queue, [f"c{n}" for n in range(MOST + 1)]) as begun:
        assert len(begun) == MOST
        await asyncio.sleep(BRIEF_SECONDS + 0.05)
        assert len(begun) == MOST


async def test_no_poll_begins_beside_a_command_that_has_just_begun() -> None:
    working = True
    queue = Admission({"c0": INTERVAL}, Clock(), busy=lambda: working)
    async with held(queue, ["c0"]) as begun:
        assert begun == []
        working = False
        await until(lambda: begun == ["c0"])


async def test_few_polls_run_beside_a_command_that_takes_long() -> None:
    clock = Clock()
    queue = admission(9, clock, limit=9.0, busy=True)
    async with held(queue, [f"c{n}" for n in range(9)]) as begun:
        clock.now += 1.5 * HOLD_SECONDS
        await until(lambda: bool(begun))
        assert len(begun) == BESIDE_COMMANDS


async def test_commands_one_after_the_other_hold_polls_a_quarter_of_the_time() -> None:
    clock = Clock()
    queue = admission(3, clock, limit=3.0, busy=True)
    begun: list[str] = []
    polls: list[asyncio.Task[None]] = []

    async def due(name: str) -> list[str]:
        polls.append(asyncio.create_task(noted(queue, name, begun)))
        await settled()
        return begun

    assert await due("c0") == []
    clock.now += 1.5 * HOLD_SECONDS
    await until(lambda: begun == ["c0"])
    assert await due("c1") == ["c0", "c1"]
    clock.now += 3 * HOLD_SECONDS
    assert await due("c2") == ["c0", "c1"]
    clock.now += 1.5 * HOLD_SECONDS
    await until(lambda: begun == ["c0", "c1", "c2"])
    await asyncio.gather(*polls)


async def test_every_short_command_of_many_holds_polls() -> None:
    """Six commands a second of 20 ms each use an eighth of the time."""
    clock, commands = Clock(), [False]
    queue = Admission({"c0": INTERVAL}, clock, busy=lambda: commands[0])
    for _ in range(20):
        commands[0] = True
        read = asyncio.create_task(queue.give_way())
        await settled()
        clock.now += 0.02
        await asyncio.sleep(2 * LOOK_SECONDS)
        assert not read.done()
        commands[0] = False
        await read
        await asyncio.sleep(2 * LOOK_SECONDS)
        clock.now += 0.15


async def test_alerts_hold_polls_by_a_time_of_their_own() -> None:
    """A storm of alerts leaves the commands their time, and the commands leave the alerts theirs."""
    clock, commands, alerts = Clock(), [False], [True]
    queue = Admission({"c0": INTERVAL}, clock, busy=lambda: commands[0], alerting=lambda: alerts[0])
    for now, other in ((alerts, commands), (commands, alerts)):
        now[0], other[0] = True, False
        clock.now += 10 * HOLD_SECONDS
        first = asyncio.create_task(queue.give_way())
        await settled()
        assert not first.done()
        clock.now += 1.01 * HOLD_SECONDS
        await asyncio.wait_for(first, 20)
        other[0] = True
        second = asyncio.create_task(queue.give_way())
        await settled()
        assert not second.done()
        clock.now += 1.01 * HOLD_SECONDS
        await asyncio.wait_for(second, 20)
        now[0] = other[0] = False
        await queue.give_way()


@pytest.mark.fast_time
async def test_poll_that_found_a_broken_disk_holds_the_others_until_its_end() -> None:
    queue = Admission({"c0": INTERVAL, "c1": INTERVAL, "c2": INTERVAL}, Clock())
    async with queue.turn("c1"):
        async with queue.turn("c0"):
            await queue.give_way("c1")
            queue.press("c0")
            await queue.give_way("c0")
            other = asyncio.create_task(queue.give_way("c1"))
            begun: list[str] = []
            due = asyncio.create_task(noted(queue, "c2", begun))
            await asyncio.sleep(10 * LOOK_SECONDS)
            assert not other.done()
            assert not begun
        await asyncio.wait_for(asyncio.gather(other, due), 20)
    assert begun == ["c2"]


@pytest.mark.fast_time
async def test_poll_that_found_a_broken_disk_and_waits_for_a_slow_host_holds_no_others() -> None:
    queue = Admission({"c0": INTERVAL, "c1": INTERVAL, "c2": INTERVAL}, Clock(), limit=1.0)
    async with queue.turn("c0"):
        await asyncio.sleep(0.8 * BRIEF_SECONDS)
        queue.press("c0")
        other = asyncio.create_task(queue.give_way("c1"))
        begun: list[str] = []
        due = asyncio.create_task(noted(queue, "c2", begun))
        await asyncio.sleep(0.8 * BRIEF_SECONDS)
        assert not other.done()
        await asyncio.wait_for(asyncio.gather(other, due), 20)
    assert begun == ["c2"], "its place is free too"


@pytest.mark.fast_time
async def test_poll_that_only_waits_to_be_saved_holds_no_others() -> None:
    """The alert of its broken disk is silenced."""
    queue = Admission({"c0": INTERVAL, "c1": INTERVAL}, Clock())
    async with queue.turn("c0"):
        queue.press("c0")
        other = asyncio.create_task(queue.give_way("c1"))
        await asyncio.sleep(10 * LOOK_SECONDS)
        assert not other.done()
        queue.release("c0")
        await asyncio.sleep(10 * LOOK_SECONDS)
        assert other.done()


@pytest.mark.fast_time
async def test_poll_that_found_a_broken_disk_waits_for_commands() -> None:
    commands = [True]
    queue = Admission({"c0": INTERVAL}, Clock(), busy=lambda: commands[0])
    queue.press("c0")
    read = asyncio.create_task(queue.give_way("c0"))
    await asyncio.sleep(10 * LOOK_SECONDS)
    assert not read.done()
    commands[0] = False
    await asyncio.sleep(10 * LOOK_SECONDS)
    assert read.done()


async def test_hold_that_begins_soon_after_another_lets_the_event_loop_go_on() -> None:
    """A read that gives way waits; it does not ask again and again until the time of the hold is used up."""
    clock, alerts, asked = Clock(), [True], [0]

    def alerting() -> bool:
        asked[0] += 1
        return alerts[0]

    queue = Admission({"c0": INTERVAL}, clock, alerting=alerting)
    first = asyncio.create_task(queue.give_way())
    await settled()
    alerts[0] = False
    await queue.give_way()
    await first
    # The look of the first hold is still to come.
    alerts[0] = True
    before = asked[0]

    def ends() -> None:
        alerts[0] = False

    asyncio.get_running_loop().call_soon(ends)

    def used_up() -> bool:
        # Without a wait the event loop would never go on: the clock ends it.
        clock.now += 0.001
        return alerting()

    queue._alerts.busy = used_up
    await queue.give_way()
    assert asked[0] - before < 10


async def noted(queue: Admission, name: str, begun: list[str]) -> None:
    async with queue.turn(name):
        begun.append(name)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - a timer of the event loop changes it
            await asyncio.sleep(0.001)


async def test_poll_cancelled_while_it_waits_gives_its_turn_to_the_next() -> None:
    queue = admission(3, limit=1.0)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(queue.turn("c0"))
        waiting = [asyncio.create_task(once(queue, name)) for name in ("c1", "c2")]
        await settled()
        waiting[0].cancel()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1] == "c2"
    assert (queue.waiting, queue.running) == (0, 0)


async def once(queue: Admission, name: str) -> str:
    async with queue.turn(name):
        await asyncio.sleep(0)
        return name


async def test_slow_event_loop_lowers_the_limit_and_a_prompt_one_raises_it() -> None:
    clock = Clock()
    queue = admission(200, clock, limit=20.0)

    async def slow(name: str) -> None:
        async with queue.turn(name):
            await asyncio.sleep(0)
            clock.now += 0.1

    await asyncio.gather(*(slow(f"c{n}") for n in range(200)))
    assert queue.limit <= BESIDE_COMMANDS
    await asyncio.gather(*(once(queue, f"c{n}") for n in range(200)))
    assert queue.limit > 2 * FEWEST


async def test_more_polls_run_at_once_only_while_the_event_loop_waits_for_hosts() -> None:
    """A thread that always works gains nothing by more polls: each would wait for the others, and commands for all."""
    clock, share = Clock(), 1.0
    worked = 0.0
    queue = Admission({f"c{n}": INTERVAL for n in range(300)}, clock, worked=lambda: worked, limit=20.0)

    async def brief(name: str) -> None:
        nonlocal worked
        async with queue.turn(name):
            await asyncio.sleep(0)
            clock.now += 0.001
            worked += 0.001 * share

    for _ in range(10):
        await asyncio.gather(*(brief(f"c{n}") for n in range(300)))
    assert queue.limit == pytest.approx(FEWEST)
    share = 0.5
    await asyncio.gather(*(brief(f"c{n}") for n in range(300)))
    assert queue.limit > 3 * FEWEST


@pytest.mark.parametrize(("share", "raised"), [(0.85, True), (0.95, False), (1.0, False)])
async def test_thread_that_could_work_more_polls_more_while_polls_are_left_out(share: float, raised: bool) -> None:
    """In an overload a host that is waited for costs a poll; at other times a command would wait for the others."""
    clock = Clock()
    queue = Admission({"c0": INTERVAL, "c1": INTERVAL}, clock, worked=lambda: clock.now * share, limit=10.0)
    for late in (False, True):
        async with held(queue, ["c0"]):
            clock.now += 1
            queue.limit = 1.0
            waits = asyncio.create_task(once(queue, "c1"))
            await settled()
            assert not late or queue.skip("c1")
            queue.limit = 10.0
            queue._adapt(0.0, 0.0)
            assert (queue.limit > 10.0) is (late and raised)
            assert (queue.limit < 10.0) is (share > (0.98 if late else 0.9))
        await waits


async def test_limit_that_was_raised_for_slow_hosts_does_not_stay() -> None:
    """Else the next burst of polls begins all at once, and a command waits for all of them."""
    clock = Clock()
    queue = admission(50, clock, limit=100.0)
    async with held(queue, [f"c{n}" for n in range(10)]):
        for _ in range(50):
            clock.now += 1
            await once(queue, "c20")
        assert queue.limit == pytest.approx(2 * 11, abs=2), "twice what is needed"
    for _ in range(50):
        clock.now += 1
        await once(queue, "c20")
    assert queue.limit == pytest.approx(FEWEST)


async def test_polls_do_not_starve_while_other_work_keeps_the_thread_busy() -> None:
    """The hosts take a tenth of a second, the thread always works: on commands, or for polls of slow hosts."""
    clock = Clock()
    queue = Admission({f"c{n}": INTERVAL for n in range(200)}, clock, worked=lambda: clock.now, limit=20.0)

    async def poll(name: str) -> None:
        async with queue.turn(name):
            ends = clock.now + 0.1
            while clock.now < ends:  # noqa: ASYNC110 - the test moves the clock
                await asyncio.sleep(0)

    for _ in range(3):
        polls = [asyncio.create_task(poll(f"c{n}")) for n in range(200)]
        began = clock.now
        while not all(task.done() for task in polls):
            clock.now += 0.005
            await settled()
    assert clock.now - began < 4.0, "two at once would take ten seconds"


async def test_poll_that_only_waits_to_be_saved_leaves_its_place() -> None:
    queue = admission(10, limit=2.0)
    async with held(queue, ["c0", "c1", "c2", "c3"]) as begun:
        assert begun == ["c0", "c1"]
        queue.release("c0")
        await settled()
        assert begun == ["c0", "c1", "c2"]
        assert queue.running == 3
        queue.limit = 2.0
        queue.release("c0")
        await settled()
        assert begun == ["c0", "c1", "c2"], "a place is given back once"


async def test_overload_is_said_with_its_interval_and_ends() -> None:
    """Twenty clusters every 15 s, polls of 2 s, one at a time: a round takes 40 s."""
    clock = Clock()
    queue = admission(20, clock, limit=1.0)
    names = [f"c{n}" for n in range(20)]
    waiting = dict.fromkeys(names, 0)
    assert queue.overload() is None

    async def poll(name: str, takes: float) -> None:
        async with queue.turn(name):
            clock.now += takes

    for _ in range(6):
        due = [asyncio.create_task(poll(name, 2.0)) for name in names]
        await settled_all(due)
        # The scheduler finds each of them due again while it waits.
        for name in names[len(names) // 2 :]:
            queue._waiting.add(name)
            waiting[name] += queue.skip(name)
            queue._waiting.discard(name)
    overload = queue.overload()
    assert overload is not None
    assert (overload.clusters, overload.interval) == (20, INTERVAL)
    assert overload.actual == pytest.approx(40.0, rel=0.1)
    assert overload.stretch == pytest.approx(40.0 / 15.0, rel=0.1)
    assert overload.skipped == sum(waiting.values()) > 0
    for _ in range(2):
        clock.now += INTERVAL
        for name in names:
            await poll(name, 0.01)
    clock.now += 0.1
    assert queue.overload() is None


async def polled_at(queue: Admission, clock: Clock, times: Iterable[tuple[float, str]]) -> None:
    """Poll clusters at these times, in intervals from now; then the load is too high."""
    start = clock.now
    for after, name in times:
        clock.now = start + after * INTERVAL
        await once(queue, name)
    queue._said_until = float("inf")


def said(queue: Admission) -> float:
    """The stretch that is said."""
    overload = queue.overload()
    assert overload is not None
    return overload.stretch


async def test_said_interval_is_the_mean_where_long_and_short_gaps_take_turns() -> None:
    """A poll that waits a little too long is left out once: gaps of one interval and of two take turns."""
    clock = Clock()
    queue = admission(20, clock, limit=1.0)
    gaps = [(3 * n / 20 + at, f"c{n}") for n in range(20) for at in (0, 2, 3, 5, 6, 8, 9)]
    await polled_at(queue, clock, sorted(each for each in gaps if each[0] < 9))
    assert said(queue) == pytest.approx(1.5, rel=0.1)


async def test_said_interval_grows_while_no_poll_begins() -> None:
    clock = Clock()
    queue = admission(20, clock, limit=1.0)
    await polled_at(queue, clock, [(0.0, f"c{n}") for n in range(20)])
    clock.now += 3 * INTERVAL
    assert said(queue) == 3.0
    clock.now += INTERVAL
    assert said(queue) == 4.0


async def test_said_interval_leaves_out_the_time_in_which_the_clusters_were_those_of_others() -> None:
    clock = Clock()
    queue = admission(20, clock, limit=1.0)
    names = [f"c{n}" for n in range(20)]
    await polled_at(queue, clock, [(at, name) for at in (0.0, 2.0, 4.0) for name in names])
    assert said(queue) == 2.0
    for name in names:
        queue.forget(name)
    assert queue.overload() is None
    await polled_at(queue, clock, [(at, name) for at in (100.0, 102.0) for name in names[:10]])
    assert said(queue) == 2.0


async def test_said_interval_is_that_of_whole_rounds() -> None:
    """Polls that come together: half a round more in the same time is no shorter interval."""
    clock = Clock()
    queue = admission(20, clock, limit=1.0)
    names = [f"c{n}" for n in range(20)]
    await polled_at(
        queue, clock, [*((at, name) for at in (0.0, 2.0) for name in names), *((4.0, n) for n in names[:10])]
    )
    assert said(queue) == 2.0


async def settled_all(tasks: list[asyncio.Task[None]]) -> None:
    await asyncio.gather(*tasks)


async def test_poll_that_runs_is_not_skipped_for_the_load() -> None:
    queue = admission(1)
    async with queue.turn("c0"):
        assert not queue.skip("c0")
    assert not queue.skip("unknown")
    assert queue.skipped == 0


async def test_cluster_of_another_process_does_not_count() -> None:
    clock = Clock()
    queue = admission(2, clock, limit=1.0)
    for name in ("c0", "c1"):
        await once(queue, name)
    async with queue.turn("c1"):
        waiting = asyncio.create_task(once(queue, "c0"))
        await settled()
        assert queue.skip("c0")
        clock.now += 4 * INTERVAL
    await waiting
    queue.forget("c0")
    queue._said_until = clock.now
    overload = queue.overload()
    assert overload is not None
    assert overload.clusters == 1


async def test_load_excuses_a_late_poll_only_up_to_a_limit() -> None:
    clock = Clock()
    queue = admission(2, clock, limit=1.0)
    for name in ("c0", "c1"):
        await once(queue, name)
    assert queue.stretch_of("c0") == 1.0
    async with queue.turn("c0"):
        waiting = asyncio.create_task(once(queue, "c1"))
        await settled()
        clock.now += 14.0
        assert queue.stretch_of("c1") == 1.0
        queue._admitted_at = clock.now
        clock.now += 14.0
        assert queue.stretch_of("c1") == pytest.approx(28.0 / INTERVAL)
        clock.now += 1e6
        queue._admitted_at = clock.now
        assert queue.stretch_of("c1") == LONGEST_STRETCH
    await waiting


async def test_polls_that_do_not_end_are_no_load() -> None:
    """All places are taken by polls that hang: their clusters, and those that wait, are blind."""
    clock = Clock()
    queue = admission(5, clock)
    for n in range(5):
        await once(queue, f"c{n}")
    async with held(queue, [f"c{n}" for n in range(5)]) as begun:
        assert len(begun) == 4
        clock.now += 4 * INTERVAL
        assert queue.skip("c4")
        assert [queue.stretch_of(f"c{n}") for n in range(5)] == [1.0] * 5


async def test_overload_names_the_interval_that_is_missed_by_most() -> None:
    """A cluster every 5 s is polled every 40 s, the others are on time."""
    clock = Clock()
    queue = Admission({"fast": 5.0, **{f"c{n}": 60.0 for n in range(9)}}, clock, limit=1.0)
    for name in queue.intervals:
        await once(queue, name)
    async with queue.turn("c0"):
        waiting = asyncio.create_task(once(queue, "fast"))
        await settled()
        assert queue.skip("fast")
        clock.now += 40.0
    await waiting
    assert queue.skip("fast") is False
    queue._said_until = clock.now + 10.0
    overload = queue.overload()
    assert overload is not None
    assert (overload.clusters, overload.interval, overload.actual) == (10, 5.0, 40.0)


async def test_overload_ends_two_intervals_of_the_skipped_cluster_after_it() -> None:
    """A cluster that is polled every ten minutes does not keep the overload of the others alive."""
    clock = Clock()
    queue = Admission({"c0": INTERVAL, "c1": INTERVAL, "slow": 600.0}, clock, limit=1.0)
    for name in queue.intervals:
        await once(queue, name)
    async with queue.turn("c0"):
        waiting = asyncio.create_task(once(queue, "c1"))
        await settled()
        clock.now += 2 * INTERVAL
        assert queue.skip("c1")
    await waiting
    assert queue.overload() is not None
    clock.now += 2 * INTERVAL + 0.1
    assert queue.overload() is None


async def test_poll_forgotten_at_the_moment_of_its_turn_begins() -> None:
    queue = admission(1)
    poll = asyncio.create_task(once(queue, "c0"))
    await asyncio.sleep(0)
    queue.forget("c0")
    assert await poll == "c0"


async def test_what_waited_for_a_command_goes_on_after_it() -> None:
    commands = [True]
    queue = Admission({"c0": INTERVAL}, Clock(), busy=lambda: commands[0])
    reads = [asyncio.create_task(queue.give_way()) for _ in range(3)]
    await settled()
    assert not any(read.done() for read in reads)
    reads[0].cancel()
    commands[0] = False
    await asyncio.gather(*reads[1:])
    await queue.give_way()


async def test_reads_of_polls_wait_for_commands_but_a_quarter_of_the_time_at_most() -> None:
    clock, commands = Clock(), [True]
    queue = Admission({"c0": INTERVAL}, clock, busy=lambda: commands[0])
    first = asyncio.create_task(queue.give_way())
    await settled()
    assert not first.done()
    clock.now += 1.01 * HOLD_SECONDS
    await asyncio.wait_for(first, 20)
    for _ in range(3):
        # The command still runs: polls read beside it.
        await asyncio.wait_for(queue.give_way(), 20)
        clock.now += 0.49 * HOLD_SECONDS
    clock.now += 0.1 * HOLD_SECONDS
    again = asyncio.create_task(queue.give_way())
    await settled()
    assert not again.done()
    commands[0] = False
    await again

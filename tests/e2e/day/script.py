"""Script of the day, hour by hour: tests/e2e/test_a_day.py replays it and docs/a-day.md shows it."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial

from tests.e2e.day.world import ARCHIVE, MIDNIGHT, STORAGE, Day, dealt

Act = Callable[[Day], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene: its time (hours and minutes), its caption, its channels and its action."""

    at: str
    words: str
    act: Act
    channels: tuple[str, ...] = (STORAGE,)

    @property
    def moment(self) -> float:
        """Unix seconds."""
        hours, _, minutes = self.at.partition(":")
        return MIDNIGHT + int(hours) * 3600 + int(minutes) * 60


async def live(day: Day, scenes: tuple[Scene, ...]) -> None:
    """Run all scenes."""
    for scene in sorted(scenes, key=lambda each: each.moment):
        await day.until(scene.moment)
        day.clock.advance(max(0.0, scene.moment - day.now))
        if scene.words:
            day.happens(scene.words, *scene.channels, at=scene.moment)
        await scene.act(day)
    await day.until(MIDNIGHT + 86400)


# --- the bot itself


async def starts(day: Day) -> None:
    await day.start()


async def stops(day: Day) -> None:
    await day.stop()


async def leaves_archive_out(day: Day) -> None:
    await day.stop()
    day.watched.remove("archive")
    await day.start()


async def slack_goes(day: Day) -> None:
    day.slack.faults.inject("server_error", count=1_000_000)


async def slack_is_back(day: Day) -> None:
    day.slack.faults.clear()


# --- nodes


async def die(day: Day, *, nodes: tuple[int, ...]) -> None:
    for node in nodes:
        await day.prod.kill(node)


async def are_started(day: Day, *, nodes: tuple[int, ...]) -> None:
    for node in nodes:
        await day.prod.start(node)


async def leads(day: Day, *, node: int) -> None:
    await day.prod.elect(node)


async def archive_dies(day: Day) -> None:
    for node in (1, 2, 3):
        await day.archive.kill(node)


async def archive_is_back(day: Day) -> None:
    for node in (1, 2, 3):
        await day.archive.start(node)


def flapping(start: str, times: int, every: int) -> Iterator[Scene]:
    """Leadership alternates between two nodes; the page shows only what the bot posts about it."""
    hours, minutes = map(int, start.split(":"))
    for turn in range(times):
        at = hours * 60 + minutes + turn * every
        yield Scene(f"{at // 60}:{at % 60:02}", "", partial(_takes_over, node=4 + turn % 2))


async def _takes_over(day: Day, node: int) -> None:
    day.events += 1
    await day.prod.elect(node)


# --- disks


async def _break(day: Day, disks: range) -> None:
    for disk in disks:
        day.prod.break_disk(disk)
        day.events += 1


async def _repair(day: Day, disks: range, step: str) -> None:
    for disk in disks:
        day.prod.repair_disk(disk, step)
        day.events += 1


async def _lose_heartbeats(day: Day, disks: range, *, lost: bool) -> None:
    for disk in disks:
        day.prod.expire_disk(disk, lost)
        day.events += 1


def rack_fails(start: str, first: int, last: int) -> Iterator[Scene]:
    """The disks of a rack break in one batch a minute, are repaired over hours and then replaced."""
    hours, minutes = map(int, start.split(":"))
    begin = hours * 60 + minutes
    plans = ((0, 20, None), (60, 60, "repairing"), (150, 120, "repaired"), (300, 60, "dropped"), (420, 30, "normal"))
    for offset, steps, step in plans:
        for turn, batch in enumerate(dealt(first, last, steps)):
            at = begin + offset + turn
            act = partial(_break, disks=batch) if step is None else partial(_repair, disks=batch, step=step)
            yield Scene(f"{at // 60}:{at % 60:02}", "", act)


def heartbeats_flicker(start: str, first: int, last: int, minutes: int) -> Iterator[Scene]:
    """A switch loses packets: the heartbeats of many disks stop and resume every minute."""
    hours, begin = map(int, start.split(":"))
    for turn in range(minutes):
        at = hours * 60 + begin + turn
        yield Scene(
            f"{at // 60}:{at % 60:02}",
            "",
            partial(_lose_heartbeats, disks=range(first, last + 1), lost=turn % 2 == 0 and turn < minutes - 1),
        )


async def fills(day: Day, share: float) -> None:
    day.prod.fill_space(share)
    day.events += 1


def filling(start: str, end: str, low: float, high: float) -> Iterator[Scene]:
    """A client writes until the cluster is full."""
    first, last = (int(h) * 60 + int(m) for h, m in (start.split(":"), end.split(":")))
    for at in range(first, last + 1, 10):
        share = low + (high - low) * (at - first) / (last - first)
        yield Scene(f"{at // 60}:{at % 60:02}", "", partial(fills, share=share))


# --- people


async def alice_acknowledges(day: Day, *, words: str) -> None:
    card = day.message(STORAGE, words)
    async with day.at_the_keyboard():
        await day.slack.as_user("U0ALICE").click(STORAGE, card.ts, "alert_ack")


async def alice_types(day: Day, *, line: str, words: str) -> None:
    async with day.at_the_keyboard():
        await day.types("U0ALICE", STORAGE, line, words)


async def bob_approves(day: Day) -> None:
    card = day.message(STORAGE, "*Waiting*")
    async with day.at_the_keyboard():
        await day.slack.as_user("U0BOB").click(STORAGE, card.ts, "op_confirm", confirmed=True)


async def sets_by_hand(day: Day, *, key: str, value: str) -> None:
    day.prod.data.kv[key] = value
    day.events += 1


async def read_only(day: Day, *, value: bool) -> None:
    day.prod.set_read_only(value)
    day.events += 1


async def _nothing(_day: Day) -> None:
    """Do nothing; the next scenes act."""


async def _behind_its_back(day: Day) -> None:
    await day.prod.elect(2)
    day.prod.break_disk(100)


async def _all_switches(day: Day, *, value: str) -> None:
    for key in list(day.prod.data.kv):
        await sets_by_hand(day, key=key, value=value)


async def _archive_loses_a_node(day: Day) -> None:
    await day.archive.kill(3)


async def _relief(day: Day) -> None:
    await read_only(day, value=False)
    await fills(day, 0.6)


def rolling_restart(start: str) -> Iterator[Scene]:
    """Restart one follower after another, three minutes each."""
    hours, minutes = map(int, start.split(":"))
    for turn, node in enumerate((2, 3, 4, 5)):
        down, up = hours * 60 + minutes + turn * 8, hours * 60 + minutes + turn * 8 + 4
        yield Scene(f"{down // 60}:{down % 60:02}", f"prod-{node} is restarted.", partial(die, nodes=(node,)))
        yield Scene(f"{up // 60}:{up % 60:02}", "", partial(are_started, nodes=(node,)))


A_DAY: tuple[Scene, ...] = (
    Scene("0:00", "cmbot is started; both clusters are well.", starts, (STORAGE, ARCHIVE)),
    Scene("0:40", "Node prod-3 dies; it is a follower.", partial(die, nodes=(3,))),
    Scene("1:06", "It is started again.", partial(are_started, nodes=(3,))),
    Scene("1:30", "Over half an hour the leadership changes nine times.", _nothing),
    *flapping("1:30", 9, 4),
    Scene("3:00", "A rack of prod fails: 72 disks break within 20 minutes; repairs begin an hour later.", _nothing),
    *rack_fails("3:00", 1, 72),
    Scene("3:30", "Alice, who is on call, acknowledges.", partial(alice_acknowledges, words="disks")),
    Scene("5:00", "Slack is out of order for half an hour; the disks do not wait for it.", slack_goes),
    Scene("5:16", "Meanwhile node prod-2 dies.", partial(die, nodes=(2,))),
    Scene("5:30", "Slack is back.", slack_is_back),
    Scene("5:46", "prod-2 is started again.", partial(are_started, nodes=(2,))),
    Scene("7:00", "cmbot's own machine is taken down for maintenance.", stops, (STORAGE, ARCHIVE)),
    Scene("7:10", "While cmbot is down, the leadership moves to prod-2, and disk 100 breaks.", _behind_its_back),
    Scene("7:20", "cmbot is started again.", starts, (STORAGE, ARCHIVE)),
    Scene("8:58", "The morning's summary.", _nothing),
    Scene("10:00", "A power cut takes the whole archive cluster for ten minutes.", archive_dies, (ARCHIVE,)),
    Scene("10:10", "Power is back.", archive_is_back, (ARCHIVE,)),
    Scene("11:00", "A network switch loses packets: heartbeats of 60 disks come and go for 20 minutes.", _nothing),
    *heartbeats_flicker("11:00", 120, 179, 20),
    Scene("12:00", "Two of five nodes die: prod-4 and prod-5.", partial(die, nodes=(4, 5))),
    Scene("12:20", "A third one dies: no quorum is left. No operator is at work.", partial(die, nodes=(3,))),
    Scene("12:50", "All three are started again.", partial(are_started, nodes=(3, 4, 5))),
    Scene(
        "14:00",
        'Alice moves the leadership: "/cm leader transfer 2".',
        partial(alice_types, line="/cm leader transfer 2", words="waits for"),
    ),
    Scene("14:06", "Bob approves.", bob_approves),
    Scene(
        "15:00",
        "A script of old times writes Enable for every background task, which means nothing here.",
        partial(_all_switches, value="Enable"),
    ),
    Scene("15:30", "Its author writes true.", partial(_all_switches, value="true")),
    Scene("16:00", "A job writes without end until eight in the evening.", _nothing),
    *filling("16:00", "20:00", 0.55, 0.97),
    Scene(
        "17:00",
        "Before a rolling restart Alice silences what she expects.",
        partial(alice_types, line='/cm silence peer_down for=1h reason="rolling restart"', words="silenced"),
    ),
    *rolling_restart("17:06"),
    Scene("20:30", "prod turns read-only.", partial(read_only, value=True)),
    Scene("20:40", "The job is stopped, its files are deleted, prod takes writes again.", _relief),
    Scene("21:40", "Node archive-3 dies; the cluster is no longer in use.", _archive_loses_a_node, (ARCHIVE,)),
    Scene(
        "22:00",
        "The archive cluster is removed from the settings; cmbot is restarted.",
        leaves_archive_out,
        (ARCHIVE,),
    ),
)

"""Load during the run, with checks of its reports: disks that break, people who change switches.

They know the truth by themselves, not from the program: what they could not see in time is a problem.
"""

import asyncio
import random
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from bot.chatops.dispatcher import STORE_DOWN
from bot.playground.slack_sim.message import Message
from tests.chaos.world import World

ALICE = "U0ALICE"
SHARING_UNKNOWN = "Slack does not say if"
PATIENCE = 90.0
"""Seconds after which an expected message counts as lost, after any number of kills."""
REFUSED_SECONDS = 5.0
"""Seconds after an outage of the database in which a click may still be refused."""
TASKS = ("balance", "disk_drop", "blob_delete", "shard_repair")
_ALERT = re.compile(r"alert:\d+")
_DISK = re.compile(r"disk #?(\d+) on ")
"""0.1.0 wrote no `#`."""


@dataclass
class DiskFaults:
    """The disks of one cluster: each episode breaks some and repairs them, and must have exactly one message."""

    world: World
    cluster: str
    dice: random.Random
    pause: float = 0.0
    """Most seconds between two episodes."""
    patience: float = PATIENCE
    posted: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    async def run(self, ending: asyncio.Event) -> None:
        """Run episodes one after the other until shortly before the end; finish the last one."""
        while not ending.is_set() and not self.problems:
            await self._episode()
            await rest(ending, self.dice.uniform(0.0, self.pause))

    async def _episode(self) -> None:
        # The number of a disk identifies its cluster where there are three of them.
        first = 1 + 7 * (list(self.world.clusters).index(self.cluster) % 3)
        one, other = self.dice.sample(range(first, first + 7), 2)
        simulated = self.world.clusters[self.cluster]
        simulated.break_disk(one)
        slot = await self._seen(f"disk {one} broke", lambda m: slot_of(m) not in self.posted and shows(m, {one}))
        if not slot:
            return
        self.posted.append(slot)
        if self.dice.random() < 0.5:
            simulated.break_disk(other)
            await self._seen(f"disk {other} broke as well", lambda m: slot_of(m) == slot and shows(m, {one, other}))
        await asyncio.sleep(self.dice.uniform(0.0, 1.0))
        for disk in (one, other):
            simulated.repair_disk(disk, "normal")
        await self._seen("all disks are well", lambda m: slot_of(m) == slot and over(m))

    def about(self, message: Message) -> bool:
        """True for an alert about disks."""
        return is_alert(message) and "disk" in message.text.lower()

    async def _seen(self, what: str, wanted: Callable[[Message], bool]) -> str:
        channel = self.world.channel_of(self.cluster)
        try:
            shown = lambda m: m.in_channel and is_alert(m) and wanted(m)  # noqa: E731 - short
            return slot_of(await self.world.wait_for(channel, shown, self.patience))
        except TimeoutError as error:
            self.problems.append(f"{self.cluster}: {what}, but no message says so: {error}")
            return ""


async def rest(ending: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until the end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await ending.wait()


def slot_of(message: Message) -> str:
    """The identity of a message; the replacement of a message that cannot be edited has the same one."""
    payload = (message.metadata or {}).get("event_payload", {})
    return str(payload.get("slot", ""))


def is_alert(message: Message) -> bool:
    """True for an alert, False for a reply that a channel without threads shows between the alerts."""
    return _ALERT.fullmatch(slot_of(message)) is not None


def shows(message: Message, disks: set[int]) -> bool:
    """True for an open alert of exactly these disks."""
    found = {int(number) for number in _DISK.findall(message.full_text)}
    return found == disks and not over(message)


def over(message: Message) -> bool:
    """True for a resolved alert."""
    return message.text.startswith("Resolved")


@dataclass
class Changes:
    """Alice, who changes the switches of one cluster, one after the other, and confirms the cards."""

    world: World
    cluster: str
    pause: float = 0.0
    """Seconds between two changes."""
    patience: float = PATIENCE
    cards: list[str] = field(default_factory=list)
    confirmed: int = 0
    problems: list[str] = field(default_factory=list)

    async def run(self, ending: asyncio.Event) -> None:
        """Make changes one after the other until shortly before the end; finish the last one."""
        turn = 0
        while not ending.is_set() and not self.problems:
            await self._change(TASKS[turn % len(TASKS)])
            turn += 1
            await rest(ending, self.pause)

    async def _change(self, task: str) -> None:
        on = self.world.clusters[self.cluster].data.kv.get(task) == "true"
        alice = self.world.slack.as_user(ALICE)
        before = {m.ts for m in self._cards()}
        line = f"/cm task {'disable' if on else 'enable'} {task} {self.cluster}"
        ack = await alice.command(self.world.channel_of(self.cluster), line)
        if ack.error:
            await asyncio.sleep(0.5)
            return
        card = await self._card(lambda m: m.ts not in before and "*Waiting*" in m.full_text, 15.0)
        if card is not None:
            self.cards.append(card.ts)
            await self._confirm(card)

    async def _confirm(self, card: Message | None) -> None:
        """Click until the change is decided; click again if a new operation took over the card."""
        while card is not None and "*Waiting*" in card.full_text:
            card = await self._click(card)
        if card is not None:
            await self._card(lambda m: _same(m, card) and "*Running*" not in m.full_text, self.patience)

    async def _click(self, card: Message) -> Message | None:
        """Click; an acknowledged click must be carried out, whichever process dies, or refused. Return the card."""
        channel, ts, old = self.world.channel_of(self.cluster), card.ts, _number(card)
        refusals = {m.ts for m in self.world.slack.as_user(ALICE).sees(channel) if _refuses(m)}
        ack = await self.world.slack.as_user(ALICE).click(channel, ts, "op_confirm", confirmed=True)
        if ack.error:
            await asyncio.sleep(0.5)
            return await self._card(lambda m: _same(m, card), 0.5)
        began = time.monotonic()
        now = await self._shown(
            lambda m: (
                (_is_card(m) and _same(m, card) and ("*Waiting*" not in m.full_text or _number(m) != old))
                or (_refuses(m) and m.ts not in refusals)
            ),
            self.patience,
            user=ALICE,
        )
        if now is not None and _refuses(now):
            # The database or Slack did not answer in time: Alice knows that nothing was done, and clicks again.
            await asyncio.sleep(0.5)
            return await self._card(lambda m: _same(m, card), 0.5)
        self.confirmed += 1
        if now is None and began - REFUSED_SECONDS < self.world.database_at:
            # Acknowledged and refused, because the database was down: Alice got an answer and clicks again.
            return card
        if now is None:
            self.problems.append(f"{self.cluster}: a click on the card of operation {old} was acknowledged and lost")
        return now

    def _cards(self) -> list[Message]:
        channel = self.world.channel_of(self.cluster)
        return [
            m for m in self.world.slack.workspace.visible(channel, "") if not m.thread_ts and "op_" in str(m.blocks)
        ]

    async def _card(self, wanted: Callable[[Message], bool], seconds: float) -> Message | None:
        return await self._shown(lambda m: _is_card(m) and wanted(m), seconds)

    async def _shown(self, wanted: Callable[[Message], bool], seconds: float, *, user: str = "") -> Message | None:
        try:
            return await self.world.wait_for(self.world.channel_of(self.cluster), wanted, seconds, user=user)
        except TimeoutError:
            return None


def _is_card(message: Message) -> bool:
    return not message.thread_ts and message.metadata is not None


def _refuses(message: Message) -> bool:
    """True for the answer to one person that nothing was stored, or that Slack does not say who sees the channel."""
    return bool(message.only_for) and any(words in message.full_text for words in (STORE_DOWN, SHARING_UNKNOWN))


def _same(message: Message, card: Message) -> bool:
    """True for the card itself, and for the message that took its place."""
    return message.ts == card.ts or slot_of(message) == slot_of(card)


def _number(card: Message) -> str:
    """The operation that a card shows now."""
    found = re.search(r"Operation #(\d+)", card.full_text)
    return found[1] if found else ""

"""Load of the soak: disks that break and are replaced, while some answers about them are lost."""

import asyncio
import re
from dataclasses import dataclass

from bot.playground.slack_sim.message import Message
from tests.chaos.people import DiskFaults, is_alert, over, rest, slot_of

_BROKEN = re.compile(r"\bdisks? of c\d+ (?:is|are) broken|\bdisk #\d+ .*broken")
DISKS = 21


@dataclass
class DiskEpisodes(DiskFaults):
    """The disks of one cluster: each episode breaks one and replaces it, and must have exactly one message.

    The message may not name the disk: its list is cut short, or the disks cannot be listed at that moment.
    """

    async def run(self, ending: asyncio.Event) -> None:
        """Begin at any time, so that not all clusters have a fault at once."""
        await rest(ending, self.dice.uniform(0.0, self.pause))
        await DiskFaults.run(self, ending)

    async def _episode(self) -> None:
        disk, simulated = self.dice.randint(1, DISKS), self.world.clusters[self.cluster]
        simulated.break_disk(disk)
        new = lambda m: slot_of(m) not in self.posted and self.about(m) and not over(m)  # noqa: E731 - short
        slot = await self._seen(f"disk {disk} broke", new)
        if slot:
            self.posted.append(slot)
            simulated.repair_disk(disk, "normal")
            await self._seen(f"disk {disk} is well", lambda m: slot_of(m) == slot and over(m))

    def about(self, message: Message) -> bool:
        """True for an alert about broken disks, by its own sentence and not by those that are folded into it."""
        if not is_alert(message):
            return False
        return slot_of(message) in self.posted or bool(_BROKEN.search(message.text.partition("Of the same cause")[0]))

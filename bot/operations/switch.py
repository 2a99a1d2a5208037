"""A look at one background task's switch: what is stored, what it means there, what a change would send."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from bot.cluster.client import ClusterApi
from bot.cluster.tasks import DialectVerdict, key_of, meaning_of, word_for
from bot.errors import ClusterTimeout, UserError

READ_SECONDS = 5.0
"""How long a switch may take to read; a linear read without a quorum holds for ten seconds."""


class SwitchCluster(Protocol):
    """What the look needs of a cluster."""

    @property
    def name(self) -> str:
        """The configured name."""

    @property
    def api(self) -> ClusterApi:
        """The typed calls."""

    async def dialect(self, *, fresh: bool = False) -> DialectVerdict:
        """How the cluster spells its switches."""


@dataclass(frozen=True, slots=True)
class SwitchLook:
    """One switch as it stands: `value` is the raw stored text (None: unset), `will_send` what the change stores."""

    dialect: str
    why: str
    key: str
    value: str | None
    meaning: str
    will_send: str

    @property
    def already(self) -> bool:
        """Whether the stored value is the one that would be sent."""
        return self.value == self.will_send

    def to_json(self) -> Mapping[str, Any]:
        """The form in which an operation keeps it."""
        return asdict(self)


async def look_at_switch(cluster: SwitchCluster, task: str, *, on: bool) -> SwitchLook:
    """Probe the dialect anew and read the switch.

    Raises UserError when the dialect cannot be told or knows no such task, ClusterError when the value cannot be read.
    """
    verdict = await cluster.dialect(fresh=True)
    if verdict.dialect is None:
        raise UserError(
            f"cmbot cannot tell how {cluster.name} spells its switches, and a wrong word does harm: {verdict.why} "
            f"Pin `dialect: v1` (Enable/Disable) or `dialect: v3` (true/false) for {cluster.name} in the settings."
        )
    key = key_of(task, verdict.dialect)
    if key is None:
        raise UserError(f"{cluster.name} ({verdict.dialect}) has no background task {task}. See /cm tasks.")
    value = await read_switch(cluster, key)
    meaning = meaning_of(value, verdict.dialect)
    return SwitchLook(verdict.dialect, verdict.why, key, value, meaning.word, word_for(verdict.dialect, on=on))


async def read_switch(cluster: SwitchCluster, key: str) -> str | None:
    """Read the raw stored value in time; raises ClusterError."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await cluster.api.config_get(key)
    except TimeoutError as error:
        raise ClusterTimeout(
            f"{cluster.name} did not tell the value of {key} within {READ_SECONDS:g} s: it may have no quorum."
        ) from error

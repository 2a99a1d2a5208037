"""A rolling upgrade of three replicas under load: each message and request exists exactly once."""

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import pytest

from tests.chaos.invariants import problems, settled
from tests.chaos.people import Changes, DiskFaults
from tests.chaos.world import LEASE, POLL, World, world
from tests.support.older_release import newest, unpacked

pytestmark = pytest.mark.long
PATIENCE = 300.0
SETTINGS = {
    # The older release does not know it: it is set after the upgrade.
    "policies: {default: loose}\n": "",
    # No replica is to expire here because the machine is slow.
    f"lease: {LEASE}s": "lease: 10s",
    f"poll_interval: {POLL}s": "poll_interval: 1s",
}
"""What stands in the settings in place of other lines."""


async def test_three_replicas_of_the_released_version_are_upgraded_one_by_one(tmp_path: Path) -> None:
    """Between two replacements both releases work on the migrated database; alerts and changes go on all the time."""
    older = unpacked(newest(), tmp_path / "older")
    async with world(3, tmp_path) as made:
        config = made.processes[0].config
        for former, present in SETTINGS.items():
            assert former in config.read_text()
            config.write_text(config.read_text().replace(former, present))
        for process in made.processes:
            process.program, process.folder = ("bot", "run", "--config", str(config)), older
        await _until_shared(made)
        dice = random.Random(7)
        disks = [DiskFaults(made, name, random.Random(dice.random())) for name in made.clusters]
        changes = [Changes(made, name) for name in made.clusters]
        ending = asyncio.Event()
        people = [*(each.run(ending) for each in disks), *(each.run(ending) for each in changes)]
        load = [asyncio.create_task(run) for run in people]
        try:
            await _more(disks, changes)
            for process in made.processes:
                assert await process.replace() == 0, "the older release ends in order"
                await _until_shared(made)
                await _more(disks, changes)
            ending.set()
            await asyncio.gather(*load)
        finally:
            for task in load:
                task.cancel()
            await asyncio.gather(*load, return_exceptions=True)
        assert [*await settled(made), *await problems(made, disks, changes)] == []


async def _until_shared(made: World) -> None:
    """Start the processes that do not run, and wait until each of the three has a share of the work."""
    for process in made.processes:
        await process.start()
    connection = await asyncpg.connect(made.url.replace("postgresql+asyncpg", "postgresql"))
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                if await _holders(connection) == len(made.processes):
                    return
                await asyncio.sleep(0.2)
    finally:
        await connection.close()


async def _holders(connection: asyncpg.Connection) -> int:
    query = (
        "SELECT count(DISTINCT holder) FROM holds JOIN replicas ON name = holder "
        "WHERE until > extract(epoch FROM clock_timestamp())"
    )
    try:
        return int(await connection.fetchval(query))
    except asyncpg.UndefinedTableError:
        return 0


async def _more(disks: Sequence[DiskFaults], changes: Sequence[Changes]) -> None:
    """Wait until each cluster has had another alert and another approved change."""
    before = [len(each.posted) for each in disks], [each.confirmed for each in changes]
    found: list[str] = []
    async with asyncio.timeout(PATIENCE):
        while not found and not (
            all(len(each.posted) > n for each, n in zip(disks, before[0], strict=True))
            and all(each.confirmed > n for each, n in zip(changes, before[1], strict=True))
        ):
            await asyncio.sleep(0.2)
            found = [words for one in disks for words in one.problems]
            found += [words for other in changes for words in other.problems]
    assert found == []

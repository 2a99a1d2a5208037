"""A new leader that does not answer yet is announced by the first poll, unless a host contradicts its follower.

The test makes and counts each poll, so nothing here depends on timing.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from bot.cli.demo import Demo, demo
from bot.operations.policy import PolicyMode
from bot.playground.clustermgr_sim import SimulatedCluster
from bot.playground.clustermgr_sim.cluster import Seen
from bot.playground.clustermgr_sim.nodes import NEVER
from bot.playground.slack_sim.workspace import Message
from bot.runtime.polling import poll
from tests.e2e.conftest import QUICK
from tests.e2e.test_journey import STORAGE, alert

pytestmark = pytest.mark.fast_time

LONG = 600.0
"""Seconds longer than any test: a fresh leader holds its answers, and the program makes no poll."""


@dataclass
class World:
    """The demo; the test itself polls the cluster prod."""

    demo: Demo
    seen_before: int = 0

    @property
    def cluster(self) -> SimulatedCluster:
        return self.demo.clusters["prod"]

    async def first_poll(self) -> None:
        """Wait for the poll at the start, then stop the schedule: the program makes no other."""
        watch = self.demo.app.watches["prod"]
        await self.cluster.until(lambda: watch.health.done_at > 0)
        assert not watch.health.failures
        await self.demo.app.scheduler.stop()

    async def poll_once(self) -> None:
        """Poll once and count it."""
        self.seen_before = len(self.cluster.log)
        await poll(self.demo.app, "prod")
        assert not self.demo.app.watches["prod"].health.failures

    def asked(self, node: int) -> list[Seen]:
        """The status requests to the node since the last poll began."""
        since = list(self.cluster.log)[self.seen_before :]
        return [seen for seen in since if (seen.node, seen.path) == (node, "/stat")]

    def answer(self, node: int) -> None:
        """Let the new leader answer from now on."""
        [leader] = [each for each in self.cluster.nodes if each.node_id == node]
        leader.hold_until = NEVER

    async def announced(self, *words: str) -> Message:
        return await self.demo.slack.wait_for(STORAGE, alert("The leader of prod changed", *words), timeout=30)

    def announcements(self) -> list[Message]:
        """The messages (not replies) about the leader of prod."""
        wanted = alert("leader of prod changed")
        return [message for message in self.demo.slack.workspace.visible(STORAGE, "") if wanted(message)]


@asynccontextmanager
async def world(*, election: float = QUICK.election) -> AsyncIterator[World]:
    """A watched demo whose new leaders delay their answers; `election` is the election time-out in seconds."""
    timing = replace(QUICK, hold=LONG, election=election)
    async with demo(
        port=0, policies=PolicyMode.LOOSE, timing=timing, poll=LONG, example_ports=False, clock=time.time
    ) as parts:
        own = World(parts)
        await own.first_poll()
        yield own
        parts.slack.assert_no_violations()


async def test_first_poll_announces_a_leader_that_has_not_answered() -> None:
    async with world() as own:
        await own.cluster.kill(1)
        await own.cluster.until(lambda: own.cluster.leader not in {0, 1})
        new = own.cluster.leader
        [other] = {1, 2, 3} - {1, new}
        await own.poll_once()
        early = await own.announced(
            f"changed from peer 1 to peer {new}", f"reported by peer {other}; not confirmed yet"
        )
        # One poll was enough; the new leader has answered no request yet.
        assert [seen.status for seen in own.asked(other)] == [200]
        assert [seen.status for seen in own.asked(new)] == [None]
        own.answer(new)
        await own.poll_once()
        confirmed = await own.demo.slack.wait_for(
            STORAGE, lambda m: m.ts == early.ts and "not confirmed yet" not in m.full_text, timeout=30
        )
        assert f"to peer {new} in term 2" in confirmed.full_text
        assert [message.ts for message in own.announcements()] == [early.ts]


async def test_contradicted_follower_announces_no_leader() -> None:
    """A partition: peer 1 is cut off and still says that it leads, peer 3 follows peer 2, which does not answer yet."""
    async with world(election=LONG) as own:
        await own.cluster.isolate(1)
        await own.cluster.elect(2)
        await own.poll_once()
        assert [seen.status for node in (1, 3) for seen in own.asked(node)] == [200, 200]
        await own.demo.app.outbox.drain()
        assert own.announcements() == []
        # The same answer of the follower is enough once no host contradicts it.
        await own.cluster.kill(1)
        await own.poll_once()
        await own.announced("changed from peer 1 to peer 2", "reported by peer 3; not confirmed yet")
        assert [seen.status for seen in own.asked(2)] == [None]

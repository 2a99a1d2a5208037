"""Two processes of the program over one PostgreSQL, with the cluster and the workspace that they use."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.audit.chain import BrokenChain
from bot.cli.audit import verify_store
from bot.leadership.model import watch_of
from bot.operations.model import Operation
from bot.playground.clustermgr_sim import SimulatedCluster, Timing
from bot.playground.slack_sim.message import Message
from bot.playground.slack_sim.server import LocalSlack
from bot.store.database import Store
from bot.views.step_text import event_text
from tests.chaos.processes import Process
from tests.support.databases import Postgres

ALICE, BOB, STORAGE = "U0ALICE", "U0BOB", "C0STORAGE"
PATIENCE = 60.0
EVERY = 0.02
"""Seconds between two looks into the database."""
TIMING = Timing(wait=1.0, election=0.4, refresh=0.2, transfer=0.05, collect=0.2, unit_move=0.5)
SETTINGS = """
slack: {{api_url: "{api}"}}
http: {{port: 0}}
replicas: {{lease: 4s}}
rules: {{host_unreachable: {{hold: 0s, clear: 0s}}, quorum_at_risk: {{hold: 0s}}, disk_broken: {{hold: 0s, clear: 0s}}}}
clusters:
  - {{name: prod, hosts: {hosts}, alert_channel: C0STORAGE, channels: [C0STORAGE], poll_interval: 0.3s}}
access: {{operators: {{users: [U0ALICE]}}, approvers: {{users: [U0ALICE, U0BOB]}}}}
policies: {{default: loose}}
operations: {{verify_within: 10s}}
"""


@dataclass
class Replicas:
    """Processes by the name under which they execute operations, in the order in which they connected to Slack."""

    slack: LocalSlack
    cluster: SimulatedCluster
    store: Store
    url: str
    processes: tuple[Process, ...]
    names: dict[str, Process] = field(default_factory=dict)

    async def start(self, process: Process) -> None:
        """Start a process; return once it is connected, and known to the others."""
        sockets = self.slack.delivery.sockets
        before = len(sockets)
        await process.start()
        await self.slack.workspace.wait_until(lambda: len(sockets) > before or None, PATIENCE)
        async with asyncio.timeout(PATIENCE):
            new: Collection[str] = ()
            while not new:
                async with self.store.read() as uow:
                    new = {*await uow.replicas.active()} - {*self.names}
                await asyncio.sleep(EVERY)
        [name] = new
        self.names[name] = process

    async def kill(self, process: Process) -> None:
        """End a process without warning."""
        assert await process.kill()
        self.names = {name: each for name, each in self.names.items() if each is not process}

    async def holder(self) -> Process:
        """Return the process that polls the cluster."""
        async with asyncio.timeout(PATIENCE):
            while True:
                async with self.store.read() as uow:
                    hold = (await uow.replicas.assignments()).holds.get(watch_of("prod"))
                if hold is not None and hold.holder in self.names:
                    return self.names[hold.holder]
                await asyncio.sleep(EVERY)

    async def idle(self) -> Process:
        """Return the process that does not poll the cluster."""
        holder = await self.holder()
        return next(process for process in self.names.values() if process is not holder)

    def deliver_to(self, process: Process) -> None:
        """Let the next delivery of Slack go to a process, and those after it to the others in turn."""
        self.slack.delivery.links._turn = itertools.count([*self.names.values()].index(process))

    async def ask(self, line: str) -> Message:
        """Type a command as Alice and wait for its answer."""
        alice = self.slack.as_user(ALICE)
        before = {m.ts for m in alice.sees(STORAGE)}
        await alice.command(STORAGE, line)
        return await self.slack.wait_for(
            STORAGE, lambda m: m.ts not in before and not m.metadata, user=ALICE, timeout=PATIENCE
        )

    async def proposed(self, line: str) -> Message:
        """Type a change as Alice and wait for its card."""
        before = {m.ts for m in self.slack.workspace.messages}
        await self.ask(line)
        return await self.slack.wait_for(
            STORAGE, lambda m: m.ts not in before and "*Waiting*" in m.full_text and not m.thread_ts, timeout=PATIENCE
        )

    async def approve(self, card: Message) -> None:
        """Click on a card as Bob."""
        await self.slack.as_user(BOB).click(STORAGE, card.ts, "op_confirm", confirmed=True)

    async def card_with(self, card: Message, words: str) -> Message:
        """Wait for a card with these words."""
        return await self.slack.wait_for(STORAGE, lambda m: m.ts == card.ts and words in m.full_text, timeout=PATIENCE)

    async def operations(self) -> list[Operation]:
        """List all operations by their number."""
        async with self.store.read() as uow:
            return sorted(await uow.operations.recent(50), key=lambda op: op.id)

    async def operation(self, wanted: Callable[[Operation], bool]) -> Operation:
        """Wait for an operation; the error lists those there are."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    found = next(filter(wanted, await self.operations()), None)
                    if found is not None:
                        return found
                    await asyncio.sleep(EVERY)
        except TimeoutError as error:
            there = [f"#{op.id} {op.state}: {event_text(op.history[-1])}" for op in await self.operations()]
            raise TimeoutError("no such operation; there are:\n" + "\n".join(there)) from error

    def slow(self, seconds: float) -> None:
        """Delay every answer of the cluster."""
        for node in self.cluster.nodes:
            self.cluster.slow(node.node_id, seconds)

    @property
    def sent(self) -> list[tuple[str, Any]]:
        """All changes that the cluster saw, in their order."""
        return [(seen.path, json.loads(seen.body)) for seen in self.cluster.log.matching(method="POST")]

    def messages(self, *words: str) -> list[Message]:
        """Messages with all these words, replies included."""
        return [m for m in self.slack.workspace.messages if all(word in m.full_text for word in words)]

    def assert_each_message_is_there_once(self) -> None:
        """Check that no message was posted by both processes."""
        marks = [m.metadata["event_payload"]["slot"] for m in self.slack.workspace.messages if m.metadata]
        assert len(marks) == len(set(marks)), sorted(marks)

    async def broken_chain(self) -> BrokenChain | None:
        """Return what is wrong with the audit log."""
        return (await verify_store(self.url, None))[1]


@asynccontextmanager
async def two_replicas(folder: Path, postgres: Postgres) -> AsyncIterator[Replicas]:
    """Run two processes until the block ends; the first one polls the cluster."""
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(LocalSlack())
        cluster = await stack.enter_async_context(SimulatedCluster(timing=TIMING, schedulers=1))
        url = postgres.url(await postgres.create_migrated())
        store = await stack.enter_async_context(Store.open(url))
        config = folder / "config.yaml"
        config.write_text(SETTINGS.format(api=slack.api_url, hosts=json.dumps(list(cluster.hosts))))
        environment = {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "CMBOT_STORE_URL": url,
        }
        program = ("tests.e2e.quick_program", str(config))
        processes = tuple(Process(number, config, environment, program=program) for number in (1, 2))
        made = Replicas(slack, cluster, store, url, processes)
        for process in processes:
            stack.push_async_callback(process.kill)
            await made.start(process)
        yield made
        # A click that was delivered to a killed process is not acknowledged.
        slack.assert_no_violations(allow=("error", "operation_timeout"))

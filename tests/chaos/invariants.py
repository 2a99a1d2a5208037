"""Invariants after a run: Slack, the logs of the clusters, the database and the people must agree."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from bot.cli.audit import verify_store
from bot.common.errors import StoreError
from bot.operations.model import Operation, OpState
from bot.playground.slack_sim.message import Message
from bot.store.database import Store
from tests.chaos.fault_schedule import Kind
from tests.chaos.people import Changes, DiskFaults, over, slot_of
from tests.chaos.world import World

SETTLE_SECONDS = 60.0


async def settled(world: World) -> list[str]:
    """Wait until no work is left; return the work that is left after that as problems."""
    under_way: list[str] = []
    async with Store.open(world.url) as store:
        for _ in range(int(SETTLE_SECONDS / 0.25)):
            try:
                under_way = await _under_way(store)
            except StoreError as error:
                # A machine under load: the next look counts.
                under_way = [str(error)]
            if not under_way:
                break
            await asyncio.sleep(0.25)
    return under_way


async def _under_way(store: Store) -> list[str]:
    async with store.read() as uow:
        posts = [row async for page in uow.dump.pages("posts") for row in page]
        inbound = await uow.inbox.pending(9e12)
        running = await uow.operations.in_state(OpState.RUNNING)
    waiting = [f"the message {row['slot']} is {row['state']} ({row['last_error']})" for row in posts]
    return [
        *(words for words, row in zip(waiting, posts, strict=True) if row["state"] != "sent"),
        *(f"{kind} {payload} was accepted and not done" for _, kind, payload in inbound),
        *(f"operation {op.id} still runs" for op in running),
    ]


async def problems(world: World, disk_faults: Sequence[DiskFaults], changes: Sequence[Changes]) -> list[str]:
    """All violated invariants, each in a sentence."""
    async with Store.open(world.url) as store, store.read() as uow:
        posts = {row["slot"]: row async for page in uow.dump.pages("posts") for row in page}
        operations = await uow.operations.recent(10**6)
    _, broken = await verify_store(world.url, None)
    return [
        *(words for each in disk_faults for words in each.problems),
        *(words for each in changes for words in each.problems),
        *(f"a process ended by itself: {words}" for each in world.processes for words in each.ended_by_itself),
        *([f"the audit log is broken at row {broken.seq}: {broken.why}"] if broken else ()),
        *_messages(world, posts),
        *(found for each in disk_faults for found in _alerts(world, each)),
        *(found for name in world.clusters for found in _requests(world, name, operations)),
        *_rules(world),
    ]


def _messages(world: World, posts: dict[str, Any]) -> list[str]:
    """Check that each message exists once and shows what the database has."""
    there: dict[str, list[Message]] = defaultdict(list)
    for message in world.slack.workspace.messages:
        slot = _mark(message, "slot")
        if slot and not message.deleted:
            there[slot].append(message)
    # A message that cannot be edited stays as it was; a new one replaces it.
    spare = world.counts[Kind.EDIT]
    many = {slot: len(found) - 1 for slot, found in there.items() if len(found) > 1}
    doubled = [f"{slot} is in its channel {number + 1} times" for slot, number in many.items()]
    doubled = doubled if sum(many.values()) > spare else []
    # A quiet line of an operation is left out where its thread takes no replies: the card shows it.
    lines = [slot for slot in posts if slot not in there and slot.startswith("op:") and ":line:" in slot]
    unsaid = lines if len(lines) <= world.counts[Kind.THREAD] else []
    lost = [f"{slot} is not in its channel" for slot in posts if slot not in there and slot not in unsaid]
    newest = {slot: max(found, key=lambda message: float(message.ts)) for slot, found in there.items()}
    stale = [
        f"{slot} shows version {_mark(found, 'version')}, not {posts[slot]['version']}"
        for slot, found in newest.items()
        if slot in posts and _mark(found, "version") != str(posts[slot]["version"])
    ]
    return [*doubled, *lost, *stale]


def _mark(message: Message, name: str) -> str:
    payload = (message.metadata or {}).get("event_payload", {})
    return str(payload.get(name, ""))


def _alerts(world: World, disk_faults: DiskFaults) -> list[str]:
    """Check that each episode has one alert, and that all alerts are resolved."""
    channel = world.channel_of(disk_faults.cluster)
    seen = [m for m in world.slack.workspace.visible(channel, "") if not m.thread_ts and disk_faults.about(m)]
    shown: dict[str, Message] = {slot_of(m): m for m in sorted(seen, key=lambda message: float(message.ts))}
    return [
        *(
            f"{disk_faults.cluster}: an alert without a cause: {m.text}"
            for s, m in shown.items()
            if s not in disk_faults.posted
        ),
        *(f"{disk_faults.cluster}: the alert {slot} is gone" for slot in disk_faults.posted if slot not in shown),
        *(f"{disk_faults.cluster}: still shown as firing: {m.text}" for m in shown.values() if not over(m)),
    ]


def _requests(world: World, cluster: str, operations: Sequence[Operation]) -> list[str]:
    """Check that each operation sent at most one request and that its state agrees with the cluster."""
    sent = [_asked(seen.body) for seen in world.clusters[cluster].log.matching(method="POST", path="/config/set")]
    number = Counter(sent)
    ran: Counter[tuple[str, str]] = Counter()
    done: Counter[tuple[str, str]] = Counter()
    for op in (op for op in operations if op.cluster == cluster):
        what = (op.seen.switch.key, op.seen.switch.will_send) if op.seen.switch else ("", "")
        ran[what] += any(event.state is OpState.RUNNING for event in op.history)
        done[what] += op.state is OpState.VERIFIED
    return [
        *(
            f"{cluster}: {many} requests {what} of {ran[what]} operations"
            for what, many in number.items()
            if many > ran[what]
        ),
        *(
            f"{cluster}: {many} reported as done, {number[what]} sent: {what}"
            for what, many in done.items()
            if many > number[what]
        ),
        *_alternating(cluster, sent),
    ]


def _alternating(cluster: str, sent: Sequence[tuple[str, str]]) -> list[str]:
    """Check that no value was set twice in a row: that would be a repeated request."""
    last: dict[str, str] = {}
    twice = []
    for key, value in sent:
        if last.get(key) == value:
            twice.append(f"{cluster}: {key} was set to {value} twice in a row")
        last[key] = value
    return twice


def _asked(body: str) -> tuple[str, str]:
    asked = json.loads(body)
    return str(asked["key"]), str(asked["value"])


def _rules(world: World) -> list[str]:
    """The broken rules of Slack; a delivery to a killed process needs no acknowledgement."""
    excused = {"operation_timeout", "dispatch_failed"}
    return [f"{v.where}: {v.rule}: {v.detail}" for v in world.slack.workspace.violations if v.rule not in excused]

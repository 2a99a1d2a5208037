"""Snapshots of a cluster, and a store in memory that implements the ports of the watch."""

import copy
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.grouping import ChannelHistory
from bot.alerting.model import Alert, AlertState, AlertText, Silence
from bot.alerting.reports.trend import Measurement, Sample
from bot.clustermgr.models import Disk, HostAnswer, Peer, RaftStatus, Snapshot, SpaceStat, Stat, VolumeStat, ZoneDisks
from bot.common.errors import ClusterTimeout, ClusterUnreachable, Conflict, StoreError
from bot.common.message_key import MessageKey
from bot.store.state_codec import decode_history, decode_state, encode_history, encode_state

TIB = 1 << 40


def host(node: int) -> str:
    """The service address of a made-up node."""
    return f"10.0.0.{node}:9998"


def follower(node: int, leader: int, term: int) -> Peer:
    """A peer as a leader sees it, in good health."""
    del leader, term
    return Peer(id=node, host=f"10.0.0.{node}:10110", match=1000, next=1001, state="StateReplicate", active=True)


def stat(
    node: int,
    leader: int,
    term: int = 5,
    *,
    members: Sequence[int] = (1, 2, 3),
    peers: Mapping[int, Mapping[str, Any]] | None = None,
    read_only: bool | None = False,
    broken: int = 0,
    used: int = TIB,
    writable: int = 5 * TIB,
    zones: Sequence[ZoneDisks] | None = None,
    volumes: VolumeStat | None = None,
) -> Stat:
    """What one node answers; `peers` changes fields of peers as the leader sees them, by id.

    `zones` replaces the counters of the one zone, z0, and with them how many disks there are in all.
    """
    counted = (ZoneDisks(idc="z0", total=60, broken=broken),) if zones is None else tuple(zones)
    changed = peers or {}
    listed = tuple(follower(m, leader, term).model_copy(update=dict(changed.get(m, {}))) for m in members)
    return Stat(
        leader_host=host(leader) if leader else "",
        read_only=read_only,
        raft_status=RaftStatus(
            node_id=node,
            term=term,
            leader=leader,
            commit=1000,
            raft_state="StateLeader" if node == leader else "StateFollower",
            peers=listed if node == leader else (),
        ),
        space_stat=SpaceStat(
            total_space=10 * TIB,
            used_space=used,
            writable_space=writable,
            total_disk=sum(zone.total for zone in counted),
            disk_stat_infos=counted,
        ),
        volume_stat=volumes or VolumeStat(total_volume=40, can_alloc_volume=40),
    )


def disk(number: int, status: int = 2) -> Disk:
    """A disk of zone z0."""
    return Disk(disk_id=number, status=status, idc="z0", host=f"http://10.0.1.{number}:8889", path=f"/data/{number}")


def polled(
    at: float,
    *,
    leader: int = 1,
    term: int = 5,
    nodes: Sequence[int] = (1, 2, 3),
    silent: Sequence[int] = (),
    bad: Sequence[Disk] | None = (),
    **stats: Any,
) -> Snapshot:
    """A look at cluster `prod`; `silent` nodes do not answer, `stats` are handed to every node's `stat`."""
    answers = tuple(
        HostAnswer(host(node), 0.01, error=ClusterTimeout("It did not answer in time.", host=host(node)))
        if node in silent
        else HostAnswer(host(node), 0.01, stat(node, leader, term, **stats))
        for node in nodes
    )
    return Snapshot("prod", at, answers, bad_disks=None if bad is None else tuple(bad))


def dark(at: float) -> Snapshot:
    """A look at which no host could be reached."""
    error = ClusterUnreachable("No connection could be made.")
    return Snapshot("prod", at, tuple(HostAnswer(host(node), 0.01, error=error) for node in (1, 2, 3)))


@dataclass
class State:
    """What a FakeStore holds; outbox: slot → (channel, message as JSON, parent, broadcast)."""

    alerts: dict[int, Alert] = field(default_factory=dict)
    silences: list[Silence] = field(default_factory=list)
    cluster_states: dict[str, dict[str, Any]] = field(default_factory=dict)
    channel_histories: dict[str, dict[str, Any]] = field(default_factory=dict)
    samples: list[tuple[str, float, Measurement]] = field(default_factory=list)
    outbox: dict[str, tuple[str, dict[str, Any], str | None, bool]] = field(default_factory=dict)
    scheduled_runs: set[tuple[str, float]] = field(default_factory=set)
    puts: list[tuple[str, str]] = field(default_factory=list)


class FakeUnit:
    """One transaction over a State."""

    def __init__(self, state: State, *, writable: bool) -> None:
        self.state, self.writable = state, writable

    @property
    def alerts(self) -> "FakeUnit":
        return self

    @property
    def silences(self) -> "FakeSilences":
        return FakeSilences(self.state)

    @property
    def cluster_states(self) -> "FakeClusterStates":
        return FakeClusterStates(self)

    @property
    def channel_histories(self) -> "FakeChannelHistories":
        return FakeChannelHistories(self)

    @property
    def samples(self) -> "FakeSamples":
        return FakeSamples(self)

    @property
    def outbox(self) -> "FakeOutbox":
        return FakeOutbox(self)

    @property
    def scheduled_runs(self) -> "FakeScheduledRuns":
        return FakeScheduledRuns(self)

    def must_write(self) -> None:
        if not self.writable:
            raise StoreError("This unit of work cannot write.")

    async def open(self, cluster: str) -> list[Alert]:
        return [alert for alert in self.state.alerts.values() if alert.open and alert.cluster == cluster]

    async def recent(self, since: float, cluster: str) -> list[Alert]:
        return [a for a in self.state.alerts.values() if a.changed_at >= since and a.cluster == cluster]

    async def some(self, ids: Sequence[int]) -> list[Alert]:
        return [alert for alert in self.state.alerts.values() if alert.id in ids]

    async def save(self, alert: Alert, text: AlertText) -> Alert:
        self.must_write()
        assert text.sentence
        if alert.id == 0:
            if any(held.open and held.key == alert.key for held in self.state.alerts.values()):
                raise Conflict("There is an open one of its key.")
            alert = replace(alert, id=len(self.state.alerts) + 1)
        elif self.state.alerts[alert.id].version != alert.version - 1:
            raise Conflict("Another version.")
        self.state.alerts[alert.id] = alert
        return alert

    async def touch(self, alert: Alert, text: AlertText) -> None:
        self.must_write()
        assert text.sentence
        if self.state.alerts[alert.id].version != alert.version:
            raise Conflict("Another version.")
        self.state.alerts[alert.id] = alert


class FakeSilences:
    def __init__(self, state: State) -> None:
        self.state = state

    async def active(self, now: float, cluster: str) -> list[Silence]:
        return [silence for silence in self.state.silences if silence.until > now and silence.cluster == cluster]

    async def ended(self, now: float, cluster: str) -> list[Silence]:
        return [silence for silence in self.state.silences if silence.until <= now and silence.cluster == cluster]

    async def remove(self, silence_id: int) -> bool:
        before = len(self.state.silences)
        self.state.silences[:] = [silence for silence in self.state.silences if silence.id != silence_id]
        return len(self.state.silences) < before

    async def end_with(self, alert_id: int) -> int:
        before = len(self.state.silences)
        self.state.silences[:] = [silence for silence in self.state.silences if silence.alert != alert_id]
        return before - len(self.state.silences)


@dataclass
class FakeClusterStates:
    unit: FakeUnit

    async def get(self, cluster: str) -> ClusterState:
        return decode_state(self.unit.state.cluster_states.get(cluster, {}))

    async def put(self, cluster: str, state: ClusterState) -> None:
        self.unit.must_write()
        self.unit.state.cluster_states[cluster] = {
            **self.unit.state.cluster_states.get(cluster, {}),
            **encode_state(state),
        }


@dataclass
class FakeChannelHistories:
    unit: FakeUnit

    async def get(self, channel: str) -> ChannelHistory:
        return decode_history(channel, self.unit.state.channel_histories.get(channel, {}))

    async def put(self, history: ChannelHistory) -> None:
        self.unit.must_write()
        self.unit.state.channel_histories[history.channel] = encode_history(history)


@dataclass
class FakeSamples:
    unit: FakeUnit

    async def add(self, cluster: str, at: float, values: Measurement) -> None:
        self.unit.must_write()
        self.unit.state.samples.append((cluster, at, values))

    async def range(self, cluster: str, since: float, *, every: float = 0.0) -> list[Sample]:
        found = [(at, values) for name, at, values in self.unit.state.samples if name == cluster and at >= since]
        return list({int(at // every): (at, values) for at, values in found}.values()) if every else found

    async def first(self, cluster: str) -> float | None:
        return min((at for name, at, _ in self.unit.state.samples if name == cluster), default=None)


@dataclass
class FakeOutbox:
    unit: FakeUnit

    async def put(
        self,
        message_key: MessageKey,
        channel: str,
        message: Any,
        *,
        parent: MessageKey | None = None,
        broadcast: bool = False,
    ) -> None:
        self.unit.must_write()
        shown = (channel, message.to_json(), None if parent is None else str(parent), broadcast)
        self.unit.state.outbox[str(message_key)] = shown
        self.unit.state.puts.append((str(message_key), message.text))

    async def drop_unposted(self, prefix: str, *, loud: bool = False) -> int:
        """Forget nothing: here everything counts as posted as soon as it is put."""
        del prefix, loud
        return 0


@dataclass
class FakeScheduledRuns:
    unit: FakeUnit

    async def once(self, job: str, due_at: float) -> bool:
        self.unit.must_write()
        first = (job, due_at) not in self.unit.state.scheduled_runs
        self.unit.state.scheduled_runs.add((job, due_at))
        return first

    async def last(self, jobs: Collection[str], before: float) -> float | None:
        return max((due for job, due in self.unit.state.scheduled_runs if job in jobs and due < before), default=None)


class FakeStore:
    """A store in memory: a transaction works on a copy that takes the place of the state when it commits.

    `down` makes every transaction fail at its start; `fail_commit` loses the next one at its end, as a kill would.
    """

    def __init__(self) -> None:
        self.state = State()
        self.down = False
        self.fail_commit = False
        self.writes = 0

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[FakeUnit]:
        self._check()
        working = copy.deepcopy(self.state)
        yield FakeUnit(working, writable=True)
        if self.fail_commit:
            self.fail_commit = False
            raise StoreError("The database went away.")
        self.state, self.writes = working, self.writes + 1

    @asynccontextmanager
    async def read(self) -> AsyncIterator[FakeUnit]:
        self._check()
        yield FakeUnit(copy.deepcopy(self.state), writable=False)

    def _check(self) -> None:
        if self.down:
            raise StoreError("The database is down.")

    @property
    def posted(self) -> list[str]:
        """Texts of all messages put into the outbox, in order: a channel saw these if Slack was quick."""
        return [text for _, text in self.state.puts]

    def firing(self) -> list[Alert]:
        """Announced alerts that are not resolved."""
        return [alert for alert in self.state.alerts.values() if alert.open and alert.state is not AlertState.PENDING]

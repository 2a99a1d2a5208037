"""One configured cluster, as commands, operations and the watch use it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from functools import partial

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.code_mode_reader import CodeModeReader
from bot.clustermgr.code_modes import CodeMode
from bot.clustermgr.collector import snapshots, take_snapshot
from bot.clustermgr.dashboard import Dashboard, resolved
from bot.clustermgr.dashboard_reader import DashboardReader
from bot.clustermgr.dialect import detect_dialect
from bot.clustermgr.disk_facts import DiskFacts, DiskLimits
from bot.clustermgr.disk_reader import DiskReader, Selector
from bot.clustermgr.health import MIN_APART
from bot.clustermgr.host_facts import HostFacts, host_facts, ids_of
from bot.clustermgr.models import Disk, DiskStatus, Service, Snapshot
from bot.clustermgr.read_pace import ReadPace
from bot.clustermgr.recent_snapshots import RecentSnapshots
from bot.clustermgr.scheduler_client import AllowedSchedulers, SchedulerClient
from bot.clustermgr.scheduler_survey import SchedulerSurvey
from bot.clustermgr.slow_poll import SlowPoller
from bot.clustermgr.slow_poll_pace import SlowPollPace
from bot.clustermgr.tasks import DetectedDialect, Dialect, DialectEvidence, EvidenceKind
from bot.clustermgr.volume_reader import RECHECK_SECONDS, VolumeReader
from bot.clustermgr.volume_survey import SuspectDisks, VolumeSurvey
from bot.common.errors import ClusterError
from bot.common.periods import Due, elapsed

ANSWER_SHARE = 0.9
"""The share of the answer deadline after which a command answers with what is known by then."""
MAX_COUNTED = 20
"""Disks whose units are counted when their repair begins, or once they are no longer bad."""
COUNT_SECONDS = 2.0
"""Limit of one such count."""
SURVEY_SECONDS = 2.0
"""Limit of the reads of volumes in one poll."""
PARTIAL_SECONDS = 0.5
"""After this time a poll of the watch that a host delays passes on what is known."""
LATE_ANSWER_SECONDS = 14.0
"""Total wait of a command for late hosts; a new leader may hold its answers for ten seconds."""
APART_SECONDS = MIN_APART + 0.2
"""Wait before a second poll, when no earlier poll proves voters healthy."""
STATISTICS_SECONDS = 180.0
"""Time for which the statistics of the schedulers count in a preflight; they are read once a minute."""
DIALECT_SECONDS = 3600.0
"""Time for which the watch keeps a detected dialect; an upgrade may change it."""
OnPartial = Callable[[Snapshot], Awaitable[None]]
"""Takes the snapshot of a poll that some hosts delay."""


async def _ignore_partial(_: Snapshot) -> None:
    """Do nothing: wait for the complete poll."""


@dataclass(slots=True)
class Cluster:
    """Name, hosts, channel and calls of one cluster; keeps the last detected dialect and the last snapshots.

    `recheck_for` is how long the units of a disk are read often after its repair or drop (seconds).
    `slow_pace` admits the slow polls that are due (None: all). `read_pace` bounds the units and volumes that polls
    read (None: nothing does). `due` says when work that is repeated is due.
    """

    name: str
    operations_channel: str
    api: ClustermgrClient
    clock: Callable[[], float]
    deadline: float
    pinned: Dialect | None = None
    disk_limits: DiskLimits = field(default_factory=DiskLimits)
    recheck_for: float = RECHECK_SECONDS
    schedulers: SchedulerClient = field(default_factory=lambda: SchedulerClient(AllowedSchedulers()))
    slow_pace: SlowPollPace | None = None
    read_pace: ReadPace | None = None
    due: Due = elapsed
    _dialect: DetectedDialect | None = field(default=None)
    _dialect_at: float = field(default=0.0)
    _slow_poller: SlowPoller = field(init=False)
    _volume_reader: VolumeReader = field(init=False)
    _dashboard_reader: DashboardReader = field(init=False)
    _code_mode_reader: CodeModeReader = field(init=False)

    def __post_init__(self) -> None:
        """Let slow polls use the dialect that this handle keeps."""
        self._slow_poller = SlowPoller(self.api, self._recent_dialect, self.due)
        self._volume_reader = VolumeReader(self.api, self.recheck_for)
        self._dashboard_reader = DashboardReader(self.api, self.due)
        self._code_mode_reader = CodeModeReader(self.api)

    _recent: RecentSnapshots = field(default_factory=RecentSnapshots)
    _dropping: frozenset[int] = frozenset()
    _suspects: SuspectDisks = field(default_factory=SuspectDisks)
    _in_use: frozenset[int] = frozenset()
    _services: tuple[Service, ...] = ()
    _surveyed: SchedulerSurvey | None = None
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The configured hosts."""
        return self.api.hosts

    @property
    def extended_modes(self) -> tuple[CodeMode, ...]:
        """The code modes that users defined, as far as they were read."""
        return self._code_mode_reader.extended

    @property
    def services(self) -> tuple[Service, ...]:
        """The registered services, as last read by the watch of this process."""
        return self._services

    async def snapshots(self, *, bad_disks: bool = True, switches: tuple[str, ...] = ()) -> AsyncGenerator[Snapshot]:
        """Poll all hosts: yield a snapshot at the deadline, and another one when late hosts have answered."""
        deadlines = (self.deadline * ANSWER_SHARE, self.deadline + LATE_ANSWER_SECONDS)
        now, led = self.clock(), self._recent.led
        polled = snapshots(
            self.api, self.name, now=now, deadlines=deadlines, bad_disks=bad_disks, switches=switches, leader=led
        )
        async with aclosing(polled):
            async for snapshot in polled:
                yield self._slow_poller.with_bad(snapshot)

    async def snapshot(self, deadline: float, *, bad_disks: bool = True, switches: tuple[str, ...] = ()) -> Snapshot:
        """Poll all hosts for at most `deadline` seconds."""
        snapshot = self._slow_poller.with_bad(await self._take(deadline, bad_disks=bad_disks, switches=switches))
        self._recent.remember(snapshot)
        return snapshot

    async def _take(self, deadline: float, *, bad_disks: bool = True, switches: tuple[str, ...] = ()) -> Snapshot:
        asked = partial(take_snapshot, self.api, self.name, now=self.clock(), leader=self._recent.led)
        return await asked(deadline=deadline, bad_disks=bad_disks, switches=switches)

    async def poll(
        self, deadline: float, on_partial: OnPartial = _ignore_partial, on_bad: Callable[[], None] = lambda: None
    ) -> Snapshot:
        """Poll for the watch; once a minute, also read what changes slowly.

        When a host delays the poll, `on_partial` gets what is known: a slow host must not hide news of the others. When
        a disk has become bad since the last poll, `on_bad` is called before its volumes are read.
        """
        now = self.clock()
        latest = (self._recent.latest.bad_disks if self._recent.latest else None) or ()
        bad = [disk.disk_id for disk in latest]
        slow = self._slow_poller.is_due(now) and (self.slow_pace is None or self.slow_pace.admits())
        read_slow = partial(self._slow_poller.read, now, bad, pace=self.read_pace) if slow else None
        deadlines = (PARTIAL_SECONDS, deadline) if deadline > PARTIAL_SECONDS else (deadline,)
        led = self._recent.led
        polled = snapshots(self.api, self.name, now=now, deadlines=deadlines, read_slow=read_slow, leader=led)
        async with aclosing(polled):
            snapshot = await anext(polled)
            if not snapshot.complete and len(deadlines) > 1:
                await on_partial(self._slow_poller.with_bad(snapshot))
                snapshot = await anext(polled)
        if slow and self.slow_pace is not None and self._slow_poller.polled_at != now:
            self.slow_pace.give_back()
        if snapshot.chunks is not None:
            self._volume_reader.take_units(self._slow_poller.take_units(), now)
        snapshot = await self._with_bad(snapshot)
        if self._recent.has_new_bad_disk(snapshot):
            on_bad()
        snapshot = await self._with_units_left(snapshot, latest)
        snapshot = await self._with_volumes(snapshot)
        snapshot = await self._with_schedulers(snapshot)
        self._recent.remember(snapshot)
        return snapshot

    async def _with_schedulers(self, snapshot: Snapshot) -> Snapshot:
        """Add the statistics of the schedulers once a minute; without a leader the last known ones are asked."""
        self._services = self._services if snapshot.services is None else snapshot.services
        if not self.schedulers.due(snapshot.at, self.due):
            return snapshot
        self._surveyed = await self.schedulers.survey(self._services, snapshot.at)
        return replace(snapshot, schedulers=self._surveyed)

    async def ask_schedulers(self) -> SchedulerSurvey | None:
        """Ask the schedulers now; None if the settings name and allow none. Never raises ClusterError."""
        if not self.schedulers.allowed.configured:
            return None
        with suppress(ClusterError):
            self._services = await self.api.services()
        return await self.schedulers.survey(self._services, self.clock())

    async def _with_units_left(self, snapshot: Snapshot, before: Sequence[Disk]) -> Snapshot:
        """Add the units left on disks that are no longer bad, and on those whose repair has just begun.

        A disk's state does not prove that it is empty; and progress is measured from the units at the beginning.
        """
        if snapshot.bad_disks is None or snapshot.leader is None:
            return snapshot
        were, are = ({disk.disk_id: disk.status for disk in disks} for disks in (before, snapshot.bad_disks))
        gone = sorted(were.keys() - are.keys())
        begun = (disk for disk, status in were.items() if are.get(disk) == DiskStatus.REPAIRING != status)
        changed = [*gone, *sorted(begun)][:MAX_COUNTED]
        found = dict(snapshot.chunks or {})
        with suppress(TimeoutError, ClusterError):
            async with asyncio.timeout(COUNT_SECONDS):
                for disk in changed:
                    if self.read_pace is not None:
                        self.read_pace.made(1)
                    found[disk] = await self.api.disk_chunks(disk, at=snapshot.leader[0])
        return replace(snapshot, chunks=found) if changed and found else snapshot

    async def _with_volumes(self, snapshot: Snapshot) -> Snapshot:
        """Add the volumes on disks that are not safe. Without a leader nothing is read: such reads hang for seconds."""
        if snapshot.leader is None or snapshot.bad_disks is None:
            return replace(snapshot, volumes=self._known_volumes(snapshot.at))
        volumes = await self._read_volumes(snapshot, snapshot.leader[0], SURVEY_SECONDS, self.read_pace)
        return replace(snapshot, volumes=volumes)

    def watched(self) -> tuple[Snapshot | None, VolumeSurvey]:
        """The last poll (None: none yet), and the volumes that polls have read; nothing is read for it."""
        return self._recent.latest, self._known_volumes(self.clock())

    def take_units(self, disk: int, units: tuple[int, ...]) -> None:
        """Take the units (vuids) on a disk that a command has just read from the leader, for the watch."""
        self._volume_reader.take_units({disk: units}, self.clock())

    async def _with_bad(self, snapshot: Snapshot) -> Snapshot:
        """Add the bad disks that only the whole list has: the lists of bad disks may end early.

        The whole list is read again first if a disk has left the bad or dropping ones.
        """
        if snapshot.leader is None or snapshot.bad_disks is None:
            return snapshot
        if snapshot.dropping is not None:
            self._dropping = frozenset(disk.disk_id for disk in snapshot.dropping)
        await self._slow_poller.list_again(snapshot.bad_disks, self._dropping, snapshot.at, snapshot.leader[0])
        return self._slow_poller.with_bad(snapshot)

    def forget(self) -> None:
        """Read disks and volumes again, as after a start: another process may have seen newer ones meanwhile."""
        self._slow_poller = SlowPoller(self.api, self._recent_dialect, self.due)
        self._volume_reader = VolumeReader(self.api, self.recheck_for, self._volume_reader.gone_since)
        self._dropping = frozenset()

    def _known_volumes(self, now: float) -> VolumeSurvey:
        """What earlier polls know, while the bad disks cannot be listed: others may have become bad since."""
        reader = self._volume_reader
        survey = replace(reader.survey(now), extended=self.extended_modes, others=reader.others)
        return replace(survey, disks=replace(survey.disks, listed=False)) if survey.known else survey

    def restore_gone(self, gone_since: Callable[[], Mapping[int, float]]) -> None:
        """Take the times from `gone_since` at which disks were first seen repaired or dropped (Unix seconds, by id)."""
        self._volume_reader.gone_since = gone_since

    async def _read_volumes(self, snapshot: Snapshot, host: str, within: float, pace: ReadPace | None) -> VolumeSurvey:
        bad = frozenset([disk.disk_id for disk in snapshot.bad_disks or ()])
        dashboard = await self._read_dashboard(snapshot.at, host)
        listed = self._slow_poller.listed
        dropping = self._dropping - bad - listed.gone
        disks = SuspectDisks(
            bad,
            dropping,
            listed.gone - bad,
            listed.readonly,
            self._slow_poller.is_current(snapshot.at),
            (dashboard.named if dashboard else frozenset()) - bad - listed.gone,
            listed.unknown - bad,
            len(listed.missing),
        )
        # Equal ones are kept once: volumes that were judged by them refer to them.
        disks = self._suspects = self._suspects if disks == self._suspects else disks
        self._volume_reader.expired = snapshot.expired_disks
        self._volume_reader.total = snapshot.leader[1].volume_stat.total_volume if snapshot.leader else 0
        async with self._reading:
            survey = await self._volume_reader.read(disks, snapshot.at, host, within, pace)
        seen = {volume.code_mode for volume in survey.volumes.values()}
        # The same set if no disk is lost: a copy of a large one takes its time.
        normal = self._normal() - disks.lost if disks.lost else self._normal()
        self._in_use = self._in_use if normal == self._in_use else normal
        return replace(
            survey,
            dashboard=dashboard,
            doubtful=self._doubtful(disks, snapshot.at),
            in_use=self._in_use if disks.listed else frozenset(),
            as_of=min(survey.as_of, listed.at or survey.as_of),
            extended=await self._code_mode_reader.read(snapshot.at, host, seen),
            others=self._volume_reader.others,
        )

    def _doubtful(self, disks: SuspectDisks, at: float) -> frozenset[int] | None:
        """The normal, writable disks that no healthy volume proves to have their heartbeat; None if not known."""
        if not disks.listed or not self._volume_reader.expired:
            return None
        return self._volume_reader.doubtful(self._normal() - disks.lost - disks.dropping - disks.readonly, at)

    def _normal(self) -> frozenset[int]:
        """The normal disks of the last whole list."""
        return self._slow_poller.listed.all_normal

    async def _read_dashboard(self, at: float, host: str) -> Dashboard | None:
        """Read the cluster's own dashboard, if it is due, and find its disks in the disk list."""
        found = await self._dashboard_reader.read(at, host)
        return None if found is None else resolved(found, self._slow_poller.listed.normal)

    async def survey(self, within: float) -> tuple[Snapshot, VolumeSurvey]:
        """Read the volumes on disks that are not safe, piece after piece, for at most `within` seconds.

        Returns the snapshot that the disks come from. Without a leader, what an earlier poll knows is returned.
        """
        ends = self.clock() + within
        snapshot = await self._take(min(self.deadline * ANSWER_SHARE, within / 2))
        survey = self._known_volumes(self.clock())
        if snapshot.leader is None or snapshot.bad_disks is None:
            self._recent.remember(snapshot)
            return snapshot, survey
        host = snapshot.leader[0]
        await self._slow_poller.list_disks(self.clock(), host)
        with suppress(ClusterError):
            self._dropping = frozenset(disk.disk_id for disk in await self.api.disk_dropping(at=host))
        snapshot = await self._with_bad(snapshot)
        self._recent.remember(snapshot)
        before: VolumeSurvey | None = None
        while True:
            left = ends - self.clock()
            limit = max(0.1, min(SURVEY_SECONDS, left))
            asked = self._volume_reader.requests
            survey = await self._read_volumes(snapshot, host, limit, None)
            # Without a request nothing is due: more rounds would only repeat the answer.
            idle = self._volume_reader.requests == asked
            if survey.complete or left <= SURVEY_SECONDS or idle or (before and survey.no_nearer(before)):
                return snapshot, survey
            before = survey

    async def disk_facts(
        self, snapshot: Snapshot, select: Selector, within: float, *, in_turns: bool = False
    ) -> DiskFacts:
        """Read what a change of disks needs, for at most `within` seconds; never raises ClusterError.

        `select` picks the disks from the disk list; with `in_turns` each of them is read again before it is changed,
        so that the volumes of the first ones are enough now. Without a leader in `snapshot` nothing is read: such reads
        hang.
        """
        if snapshot.leader is None:
            return DiskFacts(limits=self.disk_limits)
        reader = DiskReader(self.api, self._recent_dialect, snapshot.leader[0], self.clock(), in_turns)
        await reader.read(select, within)
        seen = {volume.code_mode for volume in reader.volumes.values()}
        facts = replace(
            reader.facts(snapshot, self.disk_limits),
            extended=await self._code_mode_reader.read(self.clock(), snapshot.leader[0], seen),
            sound=self._volume_reader.sound(snapshot.expired_disks, snapshot.at),
            survey=self._known_volumes(snapshot.at),
        )
        recent = self._surveyed is not None and snapshot.at - self._surveyed.at <= STATISTICS_SECONDS
        return replace(facts, statistics=self._surveyed) if recent else facts

    async def host_facts(self, host: str, within: float) -> HostFacts:
        """Read what stopping a host depends on, for at most `within` seconds; never raises ClusterError.

        If no earlier poll proves voters healthy and the time allows it, a second poll is made.
        """
        ends = self.clock() + within
        now = await self.snapshot(min(self.deadline * ANSWER_SHARE, within / 2), bad_disks=False)
        if self._recent.earlier(now) is None and now.leader is not None and within > 2 * APART_SECONDS + self.deadline:
            now = await self.second_snapshot(now, bad_disks=False)
        known = await self.disk_facts(now, partial(ids_of, host), max(0.1, ends - self.clock()))
        return host_facts(host, self.before(now), now, known)

    async def _recent_dialect(self) -> DetectedDialect:
        return await self.dialect(fresh=self.due(self._dialect_at, self.clock(), DIALECT_SECONDS))

    def before(self, now: Snapshot) -> Snapshot | None:
        """The watch's snapshot to compare with `now`, preferably of the same leader and term."""
        return self._recent.before(now)

    async def second_snapshot(self, first: Snapshot, *, bad_disks: bool = True) -> Snapshot:
        """Poll again, late enough after the first poll to confirm or contradict it."""
        await asyncio.sleep(min(APART_SECONDS, max(0.0, first.at + APART_SECONDS - self.clock())))
        return await self.snapshot(self.deadline * ANSWER_SHARE, bad_disks=bad_disks)

    async def snapshot_pair(self, *, patient: bool = True, bad_disks: bool = False) -> tuple[Snapshot | None, Snapshot]:
        """Poll, and return (an earlier snapshot, this one); the earlier one proves voters healthy.

        It has the same leader and term and usually comes from the watch. If there is none, a `patient` caller waits for
        a second poll.
        """
        now = await self.snapshot(self.deadline * ANSWER_SHARE, bad_disks=bad_disks)
        before = self._recent.earlier(now)
        if before is not None or now.leader is None or not patient:
            return before, now
        await asyncio.sleep(APART_SECONDS)
        later = await self.snapshot(self.deadline * ANSWER_SHARE, bad_disks=bad_disks)
        return self._recent.earlier(later), later

    async def dialect(self, *, fresh: bool = False) -> DetectedDialect:
        """How the cluster spells its switches: pinned by the settings, kept, or probed again."""
        if self.pinned is not None:
            return DetectedDialect(self.pinned, DialectEvidence(EvidenceKind.PINNED), pinned=True)
        if self._dialect is not None and not fresh:
            return self._dialect
        detected = await detect_dialect(self.api, deadline=self.deadline * ANSWER_SHARE)
        if detected.dialect is not None:
            self._dialect, self._dialect_at = detected, self.clock()
        return detected

"""In-memory ports of a command: a scripted cluster and a proposal service that records its calls."""

# ruff: noqa: ARG002 - a stand-in takes every argument that its port takes

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.alerting.cluster_state.state import ClusterNote, ClusterState
from bot.alerting.maintenance import muted_counts
from bot.alerting.model import Alert, MaintenanceScope, Silence
from bot.alerting.reports.facts import ClusterFacts
from bot.alerting.reports.handover import Handover, hand_over
from bot.alerting.reports.summary import Summary, summarise
from bot.alerting.reports.timeseries import Timeseries, timeseries
from bot.alerting.reports.trend import Sample
from bot.alerting.rules.base import Rule
from bot.alerting.silences import Lifted, SilenceResult
from bot.audit.chain import GENESIS
from bot.audit.query import AuditQuery, CsvExport, Found
from bot.chatops.commands.parser import parse
from bot.chatops.commands.registry import COMMANDS
from bot.clustermgr.blob_nodes import BlobNode
from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import Cluster
from bot.clustermgr.disk_facts import DiskFacts
from bot.clustermgr.disk_reader import Selector
from bot.clustermgr.disk_states import DiskTally
from bot.clustermgr.host_facts import HostFacts, host_facts
from bot.clustermgr.models import (
    DashboardPage,
    Disk,
    RaftStatus,
    Service,
    Snapshot,
    Stat,
)
from bot.clustermgr.tasks import DetectedDialect, Dialect, DialectEvidence, EvidenceKind, HostDialect
from bot.clustermgr.volume_models import Volume
from bot.clustermgr.volume_survey import VolumeSurvey
from bot.common.errors import NotFound
from bot.config import AccessSettings, Members
from bot.interactions.command import NOTHING_GIVEN, Call, Caller, FileShare, Reply
from bot.interactions.message import Message, Undelivered
from bot.operations.change_request import ChangeRequest
from bot.operations.model import Operation
from bot.operations.replacement_plan import Replacement
from bot.permissions.access import Access
from tests.support.view_samples import AT, HOSTS


@dataclass
class FakeApi(ClustermgrClient):
    """The calls of a cluster over a list of disks; `asked` notes each disk list that was asked for."""

    disks: Sequence[Disk] = ()
    hanging: bool = False
    units: tuple[int, ...] = ()
    leader: str | None = None
    asked: list[Mapping[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(HOSTS)

    async def stat(self, host: str) -> Stat:
        if host != self.leader:
            raise NotFound("not used here", host=host)
        return Stat(raft_status=RaftStatus(node_id=1, leader=1, term=3))

    async def config_get(self, key: str, *, host: str | None = None) -> str | None:
        return None

    async def config_set(self, key: str, value: str, *, at: str | None = None) -> None:
        raise AssertionError("a command that reads, or proposes, sends nothing")

    async def member_add(
        self, peer_id: int, host: str, *, learner: bool, node_host: str | None = None, at: str | None = None
    ) -> None:
        raise AssertionError("a command that reads, or proposes, sends nothing")

    async def member_remove(self, peer_id: int, *, at: str | None = None) -> None:
        raise AssertionError("a command that reads, or proposes, sends nothing")

    async def leadership_transfer(self, peer_id: int, *, at: str | None = None) -> None:
        raise AssertionError("a command that reads, or proposes, sends nothing")

    async def disk_set_broken(self, disk_id: int, *, at: str | None = None) -> None:
        raise AssertionError("a command that reads, or proposes, sends nothing")

    async def disk_access(self, disk_id: int, *, readonly: bool, at: str | None = None) -> None:
        raise AssertionError("a command that reads, or proposes, sends nothing")

    async def disk_drop(self, disk_id: int, *, at: str | None = None) -> None:
        raise AssertionError("a command that reads, or proposes, sends nothing")

    async def node_drop(self, node_id: int, *, at: str | None = None) -> None:
        raise AssertionError("a command that reads, or proposes, sends nothing")

    async def disk_tally(
        self, begin: Callable[[], DiskTally], *, first: str | None = None, at: str | None = None
    ) -> DiskTally:
        tally = begin()
        tally.take(await self.disk_list(first=first, at=at))
        return tally

    async def disk_list(
        self,
        *,
        status: int | None = None,
        idc: str | None = None,
        rack: str | None = None,
        disk_host: str | None = None,
        limit: int = 20_000,
        first: str | None = None,
        at: str | None = None,
    ) -> tuple[Disk, ...]:
        if self.hanging:
            await asyncio.Event().wait()
        self.asked.append({"first": first, "status": status, "idc": idc, "host": disk_host, "limit": limit})
        wanted = {"status": status, "idc": idc, "host": disk_host}
        fitting = [
            disk
            for disk in self.disks
            if all(value is None or getattr(disk, name) == value for name, value in wanted.items())
        ]
        return tuple(fitting[:limit])

    async def disk_dropping(self, *, first: str | None = None, at: str | None = None) -> tuple[Disk, ...]:
        return ()

    async def disk_chunks(self, disk_id: int, *, first: str | None = None, at: str | None = None) -> int:
        return 0

    async def disk_units(self, disk_id: int, *, first: str | None = None, at: str | None = None) -> tuple[int, ...]:
        return self.units

    async def volume(self, vid: int, *, first: str | None = None, at: str | None = None) -> Volume:
        raise NotFound("the volume was not found", status=904, words="volume not exist", trace_id="af40")

    async def volumes(
        self, *, after: int = 0, count: int = 100, first: str | None = None, at: str | None = None
    ) -> tuple[Volume, ...]:
        return ()

    async def node_info(self, node_id: int, *, at: str | None = None) -> BlobNode:
        raise NotFound("the node was not found", status=934, words="node not found", trace_id="af40")

    async def disk_info(self, disk_id: int, *, at: str | None = None) -> Disk:
        for disk in self.disks:
            if disk.disk_id == disk_id:
                return disk
        raise NotFound("the disk was not found", status=911, words="disk not found", trace_id="af40")

    async def services(self, *, first: str | None = None) -> tuple[Service, ...]:
        return ()

    async def dashboard(self, host: str) -> DashboardPage:
        raise NotFound("this release has no such call", host=host)

    async def stored_values(self, host: str, dialect: Dialect) -> Mapping[str, str]:
        return {}

    async def kv_list(self, host: str, *, count: int = 1) -> Mapping[str, str]:
        return {}

    async def config_list(self, host: str) -> Mapping[str, str]:
        return {}


@dataclass
class FakeCluster(Cluster):
    """Cluster that yields prepared looks and tells a prepared dialect, or never tells it."""

    name: str = "prod"
    operations_channel: str = "C0OPS"
    api: ClustermgrClient = field(default_factory=FakeApi)
    clock: Callable[[], float] = time.time
    deadline: float = 5.0
    seen: Sequence[Snapshot] = ()
    verdict: DetectedDialect | None = field(
        default_factory=lambda: DetectedDialect(
            Dialect.V3, DialectEvidence(EvidenceKind.PROBED, (HostDialect("it", Dialect.V3),))
        )
    )
    read: list[tuple[bool, tuple[str, ...]]] = field(default_factory=list)
    earlier: Snapshot | None = None
    second: Snapshot | None = None
    surveys: list[VolumeSurvey] = field(default_factory=list)
    disks: DiskFacts = field(default_factory=DiskFacts)

    async def snapshots(self, *, bad_disks: bool = True, switches: tuple[str, ...] = ()) -> AsyncGenerator[Snapshot]:
        self.read.append((bad_disks, switches))
        for snapshot in self.seen:
            yield snapshot

    async def snapshot_pair(self, *, patient: bool = True, bad_disks: bool = False) -> tuple[Snapshot | None, Snapshot]:
        return None, self.seen[-1]

    def before(self, now: Snapshot) -> Snapshot | None:
        return self.earlier

    async def second_snapshot(self, first: Snapshot, *, bad_disks: bool = True) -> Snapshot:
        return self.second or self.seen[-1]

    async def survey(self, within: float) -> tuple[Snapshot, VolumeSurvey]:
        return self.seen[-1], self.surveys.pop(0)

    async def disk_facts(
        self, snapshot: Snapshot, select: Selector, within: float, *, in_turns: bool = False
    ) -> DiskFacts:
        return self.disks

    async def host_facts(self, host: str, within: float) -> HostFacts:
        return host_facts(host, self.earlier, self.seen[-1], self.disks)

    async def dialect(self, *, fresh: bool = False) -> DetectedDialect:
        if self.verdict is None:
            await asyncio.Event().wait()
            raise AssertionError("never reached")
        return self.verdict


@dataclass
class FakeDesk:
    """Notes what is proposed."""

    # ruff: noqa: ARG002 - a stand-in takes every argument that its port takes

    proposed: list[tuple[Caller, str, ChangeRequest]] = field(default_factory=list)
    known: Sequence[Operation] = ()
    done: list[tuple[object, ...]] = field(default_factory=list)
    letters: list[Undelivered] = field(default_factory=list)

    async def propose(self, caller: Caller, cluster: Cluster, change_request: ChangeRequest) -> Reply:
        self.proposed.append((caller, cluster.name, change_request))
        return Reply(Message("see the card"))

    async def replace(
        self, caller: Caller, cluster: Cluster, wanted: Replacement, change_request: ChangeRequest
    ) -> Reply:
        self.done.append(("replace", cluster.name, wanted, change_request.reason))
        return Reply(Message("see the plan"))

    async def listed(self, cluster: str | None, *, open_only: bool) -> Sequence[Operation]:
        return [op for op in self.known if cluster in {None, op.cluster} and not (open_only and op.final)]

    async def of_disks(self, cluster: str) -> Sequence[Operation]:
        return [op for op in self.known if op.cluster == cluster]

    async def shown(self, op_id: int) -> Operation:
        return next(op for op in self.known if op.id == op_id)

    async def cancel(self, caller: Caller, op_id: int) -> Reply:
        self.done.append(("cancel", op_id))
        return Reply(Message("cancelled"))

    async def reject(self, caller: Caller, op_id: int, *, reason: str) -> Reply:
        self.done.append(("reject", op_id, reason))
        return Reply(Message("rejected"))

    async def settle(self, caller: Caller, op_id: int, *, done: bool, reason: str) -> Reply:
        self.done.append(("settle", op_id, done, reason))
        return Reply(Message("settled"))

    async def undelivered(self) -> Sequence[Undelivered]:
        return self.letters

    async def redeliver(self, caller: Caller) -> Reply:
        self.done.append(("redeliver", caller.user))
        return Reply(Message("tried again"))


async def no_members(_group: str) -> frozenset[str]:
    """Return no members of any user group."""
    return frozenset()


ACCESS = Access(AccessSettings(operators=Members(users=("U0ANNA",))), no_members)
"""Access with one operator, Anna."""


@dataclass
class FakeAudit:
    """AuditBook over prepared rows, the newest first; `asked` notes each question."""

    found: Found = field(default_factory=lambda: Found((), 0, GENESIS))
    content: CsvExport = field(default_factory=lambda: CsvExport(b"", 0, 0))
    asked: list[tuple[AuditQuery, int]] = field(default_factory=list)

    async def newest(self, asked: AuditQuery, limit: int) -> Found:
        self.asked.append((asked, limit))
        return self.found

    async def sheet(self, asked: AuditQuery) -> CsvExport:
        return self.content


@dataclass
class FakeForms:
    """FormPort that records the forms opened; `refuses` is raised at an opening."""

    opened: list[tuple[Caller, str, str]] = field(default_factory=list)
    refuses: Exception | None = None
    given: list[Mapping[str, str]] = field(default_factory=list)

    async def open(self, caller: Caller, kind: str, cluster: str, given: Mapping[str, str] = NOTHING_GIVEN) -> None:
        self.given.append(given)
        self.opened.append((caller, kind, cluster))
        if self.refuses is not None:
            raise self.refuses


@dataclass
class FakeAlerts:
    """AlertBook over prepared alerts and silences; `done` notes what was asked."""

    found: tuple[Alert, ...] = ()
    held: tuple[Silence, ...] = ()
    done: list[tuple[object, ...]] = field(default_factory=list)

    async def open(self, cluster: str | None = None) -> tuple[Alert, ...]:
        return self.found

    async def alert(self, alert_id: int) -> Alert:
        assert alert_id
        return self.found[0]

    async def listed(self) -> tuple[Alert, ...]:
        return self.found

    async def acknowledge(
        self, alert_id: int, by: str, *, seconds: float | None = None, take: bool = False, seen: str | None = None
    ) -> Alert:
        how = [*([seconds] if seconds is not None else []), *(["take"] if take else [])]
        self.done.append(("ack", alert_id, by, *how))
        return self.found[0]

    async def give_back(self, alert_id: int, by: str, *, seen: str | None = None) -> Alert:
        self.done.append(("unack", alert_id, by))
        return self.found[0]

    async def acknowledged_with(self, alert: Alert) -> tuple[Alert, ...]:
        return self.found[1:] if alert == self.found[0] and alert.acked_by else ()

    async def silence(
        self,
        cluster: str,
        rule: str,
        subject: str = "",
        *,
        seconds: float,
        by: str,
        reason: str,
        key: str = "",
        begins: float = 0.0,
    ) -> SilenceResult:
        self.done.append(("silence", cluster, rule, *([subject] if subject else []), seconds, by, reason))
        until = (begins or 1_700_000_000.0) + seconds
        return SilenceResult(Silence(cluster, rule, subject, until, by, reason, id=3, begins=begins), len(self.found))

    async def of_cluster(self, cluster: str) -> tuple[tuple[Alert, ...], tuple[Silence, ...]]:
        return await self.open(cluster), await self.silences(cluster)

    async def silences(self, cluster: str | None = None) -> tuple[Silence, ...]:
        return self.held

    async def planned(self, cluster: str | None = None) -> tuple[Silence, ...]:
        return ()

    async def start_maintenance(
        self,
        cluster: str,
        scope: MaintenanceScope,
        *,
        seconds: float,
        by: str,
        reason: str,
        beside: Sequence[int] = (),
        key: str = "",
    ) -> SilenceResult:
        self.done.append(("maintenance", cluster, scope.host, seconds, by, reason, tuple(beside)))
        until = 1_700_000_000.0 + seconds
        return SilenceResult(Silence(cluster, "maintenance", scope.host, until, by, reason, id=3, scope=scope), 0)

    async def muted(self) -> Mapping[int, int]:
        return muted_counts(self.held, self.found)

    async def unsilence(self, silence_id: int, by: str) -> Lifted:
        self.done.append(("unsilence", silence_id, by))
        return Lifted(self.held[0])


@dataclass
class FakeReports:
    """ReportBook over one set of facts; `asked` notes of which clusters and since when."""

    facts: ClusterFacts = field(
        default_factory=lambda: ClusterFacts("prod", ClusterState(at=AT, level="healthy", verdict="prod is healthy."))
    )
    samples: Sequence[Sample] = ()
    asked: list[tuple[object, ...]] = field(default_factory=list)

    async def summary(self, clusters: Sequence[str], since: float) -> Summary:
        self.asked.append(("summary", tuple(clusters), since))
        return summarise([self.facts], since, AT)

    async def handover(self, clusters: Sequence[str], since: float | None = None) -> Handover:
        self.asked.append(("handover", tuple(clusters), since))
        return hand_over([self.facts], AT - 3600 if since is None else since, AT)

    async def timeseries(self, cluster: str, window: float) -> Timeseries:
        self.asked.append(("course", cluster, window))
        return timeseries(cluster, self.samples, window=window, now=AT)


async def typed(
    text: str,
    *clusters: Cluster,
    proposals: FakeDesk | None = None,
    remembered: Mapping[str, ClusterNote] | None = None,
    audit: FakeAudit | None = None,
    share: FileShare | None = None,
    alerts: FakeAlerts | None = None,
    forms: FakeForms | None = None,
    reports: FakeReports | None = None,
    rules: Sequence[Rule] = (),
    now: float = AT,
) -> list[Reply]:
    """Everything that Anna is answered who types `/cm text`."""
    known: dict[str, Cluster] = {cluster.name: cluster for cluster in clusters or (FakeCluster(),)}
    parsed = parse(text, COMMANDS, clusters=tuple(known), default_cluster=None)
    call = Call(
        caller=Caller("U0ANNA", "C0GENERAL", "trigger-1"),
        clusters=known,
        cluster=known[parsed.cluster] if parsed.cluster else None,
        now=now,
        proposer=proposals or FakeDesk(),
        operations=proposals or FakeDesk(),
        access=ACCESS,
        alerts=alerts or FakeAlerts(),
        reports=reports or FakeReports(),
        remembered=lambda name: (remembered or {}).get(name, ClusterNote()),
        audit=audit or FakeAudit(),
        share=share,
        forms=forms or FakeForms(),
        rules=lambda _name: rules,
    )
    return [reply async for reply in parsed.command.run(call, parsed.args)]

"""Samples of the answers about clusters, and of lists, errors and help."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.alerting.chunk_spread import chunk_spread
from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.cluster_status import StatusContext
from bot.alerting.details import AffectedVolumes
from bot.alerting.disk_risk import DiskRisk
from bot.alerting.pull_safety import pull_safety
from bot.alerting.risk_facts import NotRebuilt, RiskCaveats, RiskFact, RiskNote, SafetyCounts, Since, caveats_of
from bot.alerting.volume_risk import risks_of
from bot.audit.chain import GENESIS, next_row
from bot.audit.query import AuditQuery, Found
from bot.chatops.commands.help import topic
from bot.chatops.commands.registry import COMMANDS, GROUPS
from bot.clustermgr.disk_states import DiskListing, DiskState
from bot.clustermgr.models import Disk
from bot.clustermgr.tasks import (
    DetectedDialect,
    Dialect,
    DialectEvidence,
    EvidenceKind,
    HostDialect,
    Meaning,
    SwitchEffect,
)
from bot.clustermgr.volume_survey import PlacedVolume, SuspectDisks, VolumeSurvey
from bot.common.errors import (
    AuthRejected,
    ClusterRefused,
    ClusterTimeout,
    ClusterUnreachable,
    ConfigError,
    NoLeader,
    NotAllowed,
    OutcomeUnknown,
    StoreError,
    UserError,
)
from bot.permissions.access import ClusterStanding, HeldRole, Standing
from bot.permissions.problems import RoleNotHeld
from bot.permissions.roles import HELD_ROLES, Role
from bot.views.access_text import standing_text
from bot.views.audit import Upload, audit
from bot.views.balance import BalanceReport, Switch, balance
from bot.views.clusters import ClusterLine, clusters, clusters_in_full, version, whoami
from bot.views.details import as_shown, newer
from bot.views.disk_list import DiskList, disk_list
from bot.views.disks import disk
from bot.views.errors import crashed, sentence
from bot.views.help import HelpGroup, details, groups, overview
from bot.views.members import members
from bot.views.risk import RiskReport, risk
from bot.views.stat import stat
from bot.views.stat_details import stat_in_full
from bot.views.status import Status, status, stopped
from bot.views.tasks import tasks
from tests.docgen.phrasebook import maintenance
from tests.docgen.phrasebook.render import Sample, Section
from tests.support import view_samples
from tests.support.view_samples import AT, HOSTS

HEALTHY, DEGRADED = "healthy", "degraded"
V3 = DetectedDialect(Dialect.V3, DialectEvidence(EvidenceKind.PROBED, (HostDialect(HOSTS[0], Dialect.V3),)))
DIFFERENCE: Mapping[str, Any] = {"counts": SafetyCounts(1, 0, 0), "dashboard": SafetyCounts(0, 1, 0)}
LINES = (
    ClusterLine(
        "archive",
        3,
        ClusterNote(AT - 20, HEALTHY, "archive is healthy.", 2, term=4, answered=3),
    ),
    ClusterLine(
        "prod",
        3,
        ClusterNote(AT - 10, DEGRADED, "prod is degraded: 1 disk is broken.", 1, HOSTS[0], 7, 2),
    ),
    ClusterLine("test", 3, ClusterNote()),
)
SNAPSHOTS = (
    ("healthy", view_samples.healthy),
    ("two disks are broken", view_samples.broken_disks),
    ("a voter is down", view_samples.voter_down),
    ("hosts contradict the leader on two voters", view_samples.degraded),
    ("no quorum", view_samples.leaderless),
    ("no host answers", view_samples.unreachable),
)
STANDINGS = (
    ("reader", Standing(audits=False, lacks=RoleNotHeld(Role.OPERATOR))),
    ("every role", Standing(audits=True, held=tuple(HeldRole(role, role is Role.ADMIN) for role in HELD_ROLES))),
    (
        "other roles on some clusters",
        Standing(
            audits=True,
            clusters=(
                ClusterStanding(("prod",), (Role.OPERATOR, Role.APPROVER)),
                ClusterStanding(("archive", "test"), ()),
                ClusterStanding(("lab",), (), ("S0OPS (internal_error)",)),
            ),
        ),
    ),
)


def sections() -> Iterator[Section]:
    """Yield the sections."""
    yield Section("Status of a cluster (`/cm stat`)", tuple(Sample(name, stat(make())) for name, make in SNAPSHOTS))
    yield Section("Status of a cluster in full (*Details*)", tuple(_full()))
    yield Section("Volumes in the status (`/cm stat`)", tuple(_risk_lines()))
    yield Section("Members (`/cm members`)", tuple(Sample(name, members(make())) for name, make in SNAPSHOTS))
    yield Section(
        "Clusters (`/cm clusters`)",
        (
            Sample("some", clusters(LINES, now=AT)),
            Sample("none", clusters((), now=AT)),
            Sample("*Details*", clusters_in_full(LINES, now=AT)),
        ),
    )
    yield _disks()
    yield _risk()
    yield _balance()
    yield from maintenance.sections()
    yield _tasks()
    yield _audit()
    yield _status_line()
    yield _errors()
    yield _people()


def _full() -> Iterator[Sample]:
    yield from (Sample(name, stat_in_full(make())) for name, make in SNAPSHOTS)
    shown = stat_in_full(view_samples.healthy())
    yield Sample("of the poll that the message shows", as_shown(shown, AT))
    yield Sample("read again", newer(shown, AT - 60))


def _risk_lines() -> Iterator[Sample]:
    """Yield the status of a cluster whose volumes are at risk, and of one whose volumes are not judged."""
    reduced = RiskNote(none_left=1, one_left=2, reduced=12, unreadable=10)
    unread = RiskNote(caveats=RiskCaveats(pending_disks=2, pending_volumes=None))
    for state, note in (("volumes are at risk", reduced), ("volumes are not judged yet", unread)):
        known = StatusContext(risk=RiskFact(note, AT - 15))
        yield Sample(state, stat(view_samples.broken_disks(), None, known))


def _disks() -> Section:
    found = tuple(view_samples.disk(number, status=number, free_chunk_cnt=900) for number in range(1, 6))
    flagged = (view_samples.disk(6, status=1, readonly=True), view_samples.disk(7, status=1, readonly=True))
    every = (*found, *flagged, view_samples.disk(8, status=9), view_samples.disk(9, status=1))
    listing = DiskListing(every, frozenset({7}), 1)
    no_beat = DiskListing(every, frozenset({7}), 2, frozenset({9}))
    one = view_samples.disk(7, status=4)

    def asked(
        state: str, each: Disk, units: Sequence[int] | None, why: NotRebuilt | None = None, *, led: bool = True
    ) -> Sample:
        return Sample(f"one disk: {state}", disk("prod", each, pull_safety(each, units, AT, why, led=led), at=AT))

    def at_risk(state: str, status: int, risk: DiskRisk) -> Sample:
        each, units = view_samples.disk(7, status=status), (12 << 32 | 1 << 24 | 1,)
        return Sample(f"one disk: {state}", disk("prod", each, pull_safety(each, units, AT), at=AT, risk=risk))

    return Section(
        "Disks (`/cm disks`, `/cm disk`)",
        (
            at_risk("broken, with its volumes", 2, DiskRisk(AffectedVolumes(47, 2))),
            at_risk("no heartbeat, named", 1, DiskRisk(AffectedVolumes(47, 3, unreadable=10), silent=True, named=True)),
            at_risk("no heartbeat, inferred", 1, DiskRisk(AffectedVolumes(1, 0), silent=True)),
            at_risk("may have no heartbeat", 1, DiskRisk(expired=4)),
            Sample("every state", disk_list(DiskList("prod", listing, listing.ordered(every), AT))),
            Sample(
                "more than shown",
                disk_list(DiskList("prod", listing, found, AT, asked=("idc=z0",), limit=2)),
            ),
            Sample(
                "none",
                disk_list(DiskList("prod", listing, (), AT, asked=("status=broken", "idc=z1"), limit=10)),
            ),
            Sample(
                "disks without a heartbeat, inferred",
                disk_list(
                    DiskList(
                        "prod", no_beat, (every[-1],), AT, asked=("status=expired",), state=DiskState.EXPIRED, read=500
                    )
                ),
            ),
            Sample(
                "parts could not be read",
                disk_list(DiskList("prod", DiskListing(found[:1], None, None, complete=False), found[:1], AT)),
            ),
            Sample(
                "not from the leader",
                disk_list(DiskList("prod", DiskListing(found[:1], None, None, by_leader=False), found[:1], AT)),
            ),
            asked("normal", found[0], (12 << 32 | 1,)),
            asked("normal, without a unit", found[0], ()),
            asked("broken", found[1], (12 << 32 | 1, 14 << 32 | 1)),
            asked("repaired, units are left", one, (12 << 32 | 1 << 24 | 1, 14 << 32 | 1)),
            asked("repaired, no unit is left", one, ()),
            asked("repaired, not counted", one, None),
            asked("repaired, no leader answers", one, None, led=False),
            asked("in an unknown state, without a unit", every[7], ()),
            asked("repaired, no unit is left, shard_repair is off", one, (), NotRebuilt.OFF),
        ),
    )


def _risk() -> Section:
    disks = SuspectDisks(bad=frozenset({1, 5, 7, 8}))
    volumes = {
        12: PlacedVolume(12, 11, -3, (1, 5, 7, 2, 3, 4)),
        13: PlacedVolume(13, 11, -2, (1, 5, 2, 3, 4, 6)),
        14: PlacedVolume(14, 77, -2, (1, 2, 3, 4)),
    }
    many = {vid: PlacedVolume(vid, 11, -2, (1, 5, 2, 3, 4, 6)) for vid in range(20, 52)}
    lost = {15: PlacedVolume(15, 11, -4, (1, 5, 7, 8, 2, 3))}

    def sample(state: str, held: dict[int, PlacedVolume], at: float = AT, **more: Any) -> Sample:
        survey = VolumeSurvey(disks, held, {}, read_at=at, **more.pop("pending", {}))
        risks = risks_of(survey, 1)
        caveats = caveats_of(view_samples.healthy(), survey, risks, more.pop("why", None))
        since = {13: Since(AT - 3600, exact=True), 12: Since(AT - 600, exact=False)}
        return Sample(state, risk(RiskReport("prod", risks, survey, AT, since, replace(caveats, **more))))

    return Section(
        "Volumes at risk (`/cm risk`)",
        (
            sample("nothing is lost", {}),
            sample("the worst can lose no more, shard_repair is off", volumes, why=NotRebuilt.OFF),
            sample("one can lose 1 more", {13: volumes[13]}, pending={"pending_disks": (7, 8), "pending_volumes": 40}),
            sample("data is lost", lost | volumes, unnamed=2),
            sample("more than the table shows", many),
            sample("the cluster's dashboard counts otherwise", lost, **DIFFERENCE),
            sample("volumes are still being listed", {13: volumes[13]}, pending={"pending_volumes": None}),
            sample("no leader", {}, at=0.0),
        ),
    )


def _balance() -> Section:
    def disks(*free: int, readonly: bool = False) -> tuple[Disk, ...]:
        facts: dict[str, Any] = {"status": 1, "rack": "r1", "max_chunk_cnt": 2000, "readonly": readonly}
        return tuple(
            view_samples.disk(number, idc=f"z{number % 2}", free_chunk_cnt=free_chunks, **facts)
            for number, free_chunks in enumerate(free, start=1)
        )

    def sample(state: str, found: tuple[Disk, ...], switch: Switch | None, **more: Any) -> Sample:
        listing = DiskListing(found, **more)
        return Sample(state, balance(BalanceReport("prod", listing, chunk_spread(listing), AT, switch)))

    on, off = Switch("true", Meaning("on", SwitchEffect.RUN)), Switch("false", Meaning("off", SwitchEffect.DO_NOT_RUN))
    unset, odd = Switch(None, Meaning("unset", SwitchEffect.WRITE_OFF)), Switch("on", None)
    return Section(
        "Where chunks are (`/cm balance`)",
        (
            sample("balanced", disks(1000, 1040, 980, 1010), on),
            sample("a disk is nearly full", disks(1000, 10, 980, 1500), off),
            sample("a zone is fuller", disks(1500, 300, 1600, 310), unset),
            sample("dialect not known, a disk without chunks", (*disks(9, 9), view_samples.disk(5, status=1)), odd),
            sample("no disk takes chunks", disks(9, readonly=True), None, dropping=None),
            sample("no disk", (), None),
        ),
    )


def _tasks() -> Section:
    unknown = DetectedDialect(None, DialectEvidence(EvidenceKind.NO_SIGN))
    return Section(
        "Background tasks (`/cm tasks`)",
        (
            Sample("known dialect", tasks(view_samples.healthy(), V3)),
            Sample("unknown dialect", tasks(view_samples.healthy(), unknown)),
        ),
    )


def _audit() -> Section:
    row = next_row(
        GENESIS,
        at=AT,
        actor="U0ANNA",
        action="operation.running",
        cluster="prod",
        op_id=7,
        detail='{"words":"approved","reason":"rush hour"}',
    )
    found = Found((row,), 3, row.head)
    asked = AuditQuery(cluster="prod", since=AT - 3600)
    return Section(
        "Audit log (`/cm audit`)",
        (
            *(Sample(f"file: {upload.name.lower()}", audit(found, asked, upload)) for upload in Upload),
            Sample("no row", audit(Found((), 0, row.head), AuditQuery(actor="U0BEN"), Upload.NONE)),
        ),
    )


def _status_line() -> Section:
    return Section(
        "Status line",
        (
            Sample("working", status(Status(AT, LINES, 0, 0.0, 0))),
            Sample("with an error", status(Status(AT, LINES, 4, 95.0, 2, "no poll lately of prod."))),
            Sample("stopped", stopped(AT, LINES)),
        ),
    )


def _errors() -> Section:
    host = HOSTS[0]
    found = (
        NoLeader("prod has no leader.", host=host, status=907, words="no leader", trace_id="af40a78a"),
        ClusterTimeout(f"{host} gave no answer in 4 s.", host=host),
        ClusterUnreachable(f"{host} refuses connections.", host=host),
        ClusterRefused(f"{host} refused the request.", host=host, status=400, words="illegal arguments"),
        AuthRejected(f"{host} rejected the token.", host=host, status=401),
        OutcomeUnknown(f"{host} gave no readable answer.", host=host),
        NotAllowed(RoleNotHeld(Role.OPERATOR, "prod")),
        UserError("No cluster is called prdo. Did you mean prod?"),
        ConfigError("clusters[0].hosts is empty."),
        StoreError("cmbot cannot reach its database."),
    )
    samples = tuple(Sample(type(each).__name__, sentence(each)) for each in found)
    return Section("Errors", (*samples, Sample("fault of the program", crashed())))


def _people() -> Section:
    topics = tuple(topic(command) for command in COMMANDS if command.path)
    task = tuple(each for each in topics if each.name.startswith("/cm task "))
    purposes = [HelpGroup(group.name, group.title, tuple(map(topic, group.commands))) for group in GROUPS]
    return Section(
        "Help and people",
        (
            Sample("/cm and /cm help", groups(purposes, ("archive", "prod"))),
            Sample("/cm help all", overview(topics, ("archive", "prod"))),
            Sample("/cm help alerting", overview(purposes[2].topics, ("archive", "prod"), purposes[2].title)),
            Sample("/cm help task", overview(task, ("archive", "prod"), "/cm task")),
            Sample("/cm help task disable", details(next(each for each in task if each.name.endswith("disable")))),
            *(
                Sample(f"/cm whoami, {name}", whoami("U0ANNA", "C0OPS", tuple(standing_text(each))))
                for name, each in STANDINGS
            ),
            Sample("/cm version", version("cmbot 0.2.0", "https://docs.example/cmbot")),
        ),
    )

"""Samples of the answers and messages about stopping a host."""

from collections.abc import Iterator
from dataclasses import replace

from bot.alerting.details import HostSilent
from bot.alerting.details.raft import AnswerFault, FaultKind
from bot.alerting.maintenance import EndedMaintenance, LiftedMaintenance, MarginFell, OtherAlert
from bot.alerting.model import Alert, AlertState, MaintenanceScope, Severity, Silence
from bot.alerting.risk_facts import NotRebuilt
from bot.alerting.silences import MAINTENANCE, SilenceResult
from bot.clustermgr.disk_facts import DiskFacts
from bot.clustermgr.host_facts import HostFacts
from bot.clustermgr.models import Disk, DiskStatus, Snapshot
from bot.clustermgr.volume_survey import PlacedVolume
from bot.operations.maintenance import StopVerdict, stop_verdict
from bot.views import alert_lists
from bot.views import maintenance_text as texts
from bot.views.home import Home, home
from bot.views.safe_to_stop import safe_to_stop
from tests.docgen.phrasebook.render import Sample, Section
from tests.support.view_samples import AT
from tests.support.watch_builders import host, polled

HOUR = 3600.0
BLOBNODE = "10.1.0.1"
SCOPE = MaintenanceScope("10.0.0.7", ("10.0.0.7:9998",), (3,), (7, 8), ("z0",), margin=2)
HELD = Silence("prod", MAINTENANCE, "10.0.0.7", AT + 2 * HOUR, "U0ANNA", "new kernel", AT, id=9, scope=SCOPE)


def verdict(
    where: str = BLOBNODE,
    *,
    bad: tuple[int, ...] = (),
    mode: int = 11,
    before: bool = True,
    read: bool = True,
    leader: int = 1,
    others: tuple[MaintenanceScope, ...] = (),
    not_rebuilt: NotRebuilt | None = None,
    fresh: bool = False,
) -> StopVerdict:
    """Judge a host of a group of three, with one volume over six blobnodes of one disk each."""
    states = dict.fromkeys(bad, DiskStatus.BROKEN)
    disks = tuple(
        Disk(disk_id=n, status=states.get(n, DiskStatus.NORMAL), host=f"http://10.1.0.{n}:8899", idc="z0")
        for n in range(1, 7)
    )
    now, suspects = polled(AT, leader=leader), DiskFacts(disks=disks).suspects
    earlier: Snapshot | None = polled(AT - 15, leader=leader) if before else None
    volumes = {5: PlacedVolume(5, mode, -len(bad), (1, 2, 3, 4, 5, 6))}
    facts = HostFacts(where, earlier, now, disks, suspects)
    facts = replace(facts, units={1: (5 << 32,)}, volumes=volumes) if read else facts
    found = stop_verdict(facts, others=others, not_rebuilt=not_rebuilt, fresh=fresh)
    assert isinstance(found, StopVerdict)
    return found


def sections() -> Iterator[Section]:
    """Yield the sections."""
    away = MaintenanceScope(host(3), (host(3),), (3,))
    yield Section(
        "May a host be stopped (`/cm safe-to-stop`)",
        tuple(
            Sample(state, safe_to_stop(found, "2h"))
            for state, found in (
                ("a blobnode, safe", verdict()),
                ("a blobnode with the last margin of a volume", verdict(bad=(5, 6))),
                ("a blobnode with units that a volume needs", verdict(bad=(4, 5, 6))),
                ("missing shards are not rebuilt", verdict(bad=(5, 6), not_rebuilt=NotRebuilt.OFF)),
                ("a follower of three", verdict(host(2))),
                ("the leader", verdict(host(1))),
                ("a second voter", verdict(host(2), others=(away,))),
                ("a port, where the machine has other addresses", verdict(f"{BLOBNODE}:8899")),
                ("units are not read", verdict(read=False)),
                ("an unknown code mode", verdict(mode=77)),
                ("polled once", verdict(host(2), before=False)),
                ("the leader has just been elected", verdict(fresh=True)),
                ("no leader", verdict(host(2), leader=0)),
            )
        ),
    )
    alert = Alert(
        "prod",
        "host_unreachable",
        "10.0.0.7:9998",
        AlertState.FIRING,
        Severity.WARNING,
        HostSilent("10.0.0.7:9998", AnswerFault(FaultKind.TIMEOUT), 3),
        AT - HOUR,
        id=17,
    )
    other = replace(
        alert, subject="10.0.0.8:9998", detail=HostSilent("10.0.0.8:9998", AnswerFault(FaultKind.TIMEOUT), 2)
    )
    unreadable = replace(HELD, scope=replace(SCOPE, margin=-1))
    yield Section(
        "Maintenance of a host",
        (
            Sample("started", texts.maintenance_started(SilenceResult(HELD, 1))),
            Sample("started although volumes cannot be read", texts.maintenance_started(SilenceResult(unreadable, 0))),
            Sample("extended", texts.maintenance_started(SilenceResult(HELD, 0, AT + HOUR))),
            Sample("started, for the person", texts.maintenance_begun(SilenceResult(HELD, 1))),
            Sample("extended, for the person", texts.maintenance_begun(SilenceResult(HELD, 0, AT + HOUR))),
            Sample("ended by a person, for the person", texts.maintenance_ending(HELD)),
            Sample("ended by a person", texts.maintenance_over(EndedMaintenance(HELD), "U0BEN")),
            Sample("over", texts.maintenance_over(EndedMaintenance(HELD))),
            Sample(
                "over, a host with disks alone",
                texts.maintenance_over(EndedMaintenance(replace(HELD, scope=replace(SCOPE, hosts=(), peers=())))),
            ),
            Sample("over, the host is away", texts.maintenance_over(EndedMaintenance(HELD, (alert,)))),
            Sample(
                "over, the host is away, its alert is pending",
                texts.maintenance_over(EndedMaintenance(HELD, pending=(alert,))),
            ),
            Sample("ended early", texts.maintenance_lifted(LiftedMaintenance(HELD, OtherAlert(other), muted=2))),
            *(
                Sample(
                    f"ended early, margin {left}",
                    texts.maintenance_lifted(LiftedMaintenance(HELD, MarginFell(5, left, 2))),
                )
                for left in (1, 0, -1)
            ),
            Sample("/cm maintenances", texts.maintenances((HELD,), {9: 3}, now=AT)),
            Sample("/cm alerts", alert_lists.alerts((), silences=0, now=AT, maintenances=(HELD,), muted={9: 3})),
            Sample("/cm silences", alert_lists.silences((HELD,), now=AT)),
            Sample("the Home tab", home(Home((), (), now=AT, maintenances=(HELD,), muted={9: 3}))),
            Sample("/cm maintenances, none", texts.maintenances((), {}, now=AT)),
        ),
    )

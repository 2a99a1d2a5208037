"""/cm safe-to-stop and /cm maintenance: answers, refusals, and what is handed to the alerts."""

import json
from dataclasses import replace

import pytest

from bot.alerting.cluster_state.observations import HostNote
from bot.alerting.cluster_state.state import ClusterNote, ClusterState
from bot.alerting.model import Alert, AlertState, LegacyDetail, MaintenanceScope, Severity, Silence
from bot.alerting.problems import BadSilenceLength
from bot.alerting.silences import MAINTENANCE, muted_under
from bot.chatops.button_router import ButtonRouter
from bot.clustermgr.disk_facts import DiskFacts
from bot.clustermgr.models import Disk, DiskStatus
from bot.clustermgr.volume_survey import PlacedVolume
from bot.common.errors import Refused, UserError
from bot.interactions.events import Click, RunCommand
from tests.support.in_memory_ports import ACCESS, FakeAlerts, FakeCluster, typed
from tests.support.refusals import refused
from tests.support.view_samples import AT
from tests.support.watch_builders import host, polled

HELD = Silence("prod", MAINTENANCE, "10.1.0.2", AT + 3600, "U0ANNA", "", AT, id=9, scope=MaintenanceScope("10.1.0.2"))
ABOUT = Alert("prod", "disk_expired", "", AlertState.PENDING, Severity.WARNING, LegacyDetail("Disks are silent."), AT)


def cluster(*bad: int) -> FakeCluster:
    """A healthy group of three with one volume over six blobnodes; `bad` disks are broken."""
    states = dict.fromkeys(bad, DiskStatus.BROKEN)
    disks = tuple(
        Disk(disk_id=n, status=states.get(n, DiskStatus.NORMAL), host=f"http://10.1.0.{n}:8899", idc="z0")
        for n in range(1, 7)
    )
    volume = PlacedVolume(5, 11, -len(bad), (1, 2, 3, 4, 5, 6))
    known = DiskFacts(disks=disks, units={1: (5 << 32,)}, volumes={5: volume})
    return FakeCluster(seen=[polled(AT)], earlier=polled(AT - 15), disks=known)


async def test_safe_host_is_answered_once_with_a_button() -> None:
    [answer] = await typed("safe-to-stop http://10.1.0.1:8899/ prod for=30m", cluster())
    assert answer.message.text == "10.1.0.1:8899 of prod is safe to stop now."
    assert not answer.private
    [value] = [e["value"] for b in answer.message.blocks if b["type"] == "actions" for e in b["elements"]]
    assert json.loads(value) == {"host": "10.1.0.1:8899", "cluster": "prod", "for": "30m"}


async def test_unread_units_are_answered_twice_and_without_a_button() -> None:
    known = cluster()
    known.disks = replace(known.disks, units={}, volumes={})
    first, last = await typed("safe-to-stop 10.1.0.1 prod", known)
    assert "Not judged: the units on 1 disk" in first.message.text
    assert "Not judged" in last.message.text
    assert not [block for block in last.message.blocks if block["type"] == "actions"]


async def test_silent_host_is_recognised_by_its_last_answer() -> None:
    known = cluster()
    known.seen = [polled(AT, silent=(2,))]
    state = ClusterState(hosts=(HostNote(host(2), 2),))
    alerts = FakeAlerts()
    await typed(
        f"maintenance start {host(2)} prod", known, alerts=alerts, remembered={"prod": ClusterNote(state=state)}
    )
    assert alerts.done == [("maintenance", "prod", host(2), 7200.0, "U0ANNA", "", ())]


async def test_start_hands_over_scope_time_and_reason() -> None:
    alerts = FakeAlerts(held=(HELD,))
    [answer] = await typed("maintenance start 10.1.0.1 prod for=90m reason=kernel", cluster(), alerts=alerts)
    assert alerts.done == [("maintenance", "prod", "10.1.0.1", 5400.0, "U0ANNA", "kernel", (9,))]
    assert answer.message.text.startswith("You started maintenance of `10.1.0.1` of prod until ")
    assert "the alert channel knows" in answer.message.text
    assert "The worst volume on it can miss 2 more units meanwhile." in str(answer.message.blocks)


@pytest.mark.parametrize("command", ["safe-to-stop 10.1.0.1 prod for=99d", "maintenance start 10.1.0.1 prod for=99d"])
async def test_time_that_no_maintenance_may_last_is_refused_with_the_limit(command: str) -> None:
    alerts = FakeAlerts()
    with pytest.raises(Refused) as error:
        await typed(command, cluster(), alerts=alerts)
    assert isinstance(error.value.problem, BadSilenceLength)
    assert not alerts.done


async def test_start_against_the_verdict_needs_a_confirmation_and_a_reason() -> None:
    alerts, known = FakeAlerts(), cluster(4, 5, 6)
    with refused("could not be read while it is away.*tolerates 3, 3 lost.*anyway=yes"):
        await typed("maintenance start 10.1.0.1 prod", known, alerts=alerts)
    with refused("needs a reason"):
        await typed("maintenance start 10.1.0.1 prod anyway=yes", known, alerts=alerts)
    assert alerts.done == []
    await typed("maintenance start 10.1.0.1 prod anyway=yes reason=fire", known, alerts=alerts)
    assert alerts.done[0][5] == "fire"


@pytest.mark.parametrize("line", ["safe-to-stop 10.9.9.9 prod", "maintenance start 10.9.9.9 prod anyway=yes reason=x"])
async def test_unknown_host_is_refused_with_the_hosts_there_are(line: str) -> None:
    with refused(r"knows no host .10\.9\.9\.9.*10\.0\.0\.1:9998"):
        await typed(line, cluster())


async def test_end_lifts_the_silence_of_that_host() -> None:
    alerts = FakeAlerts(held=(replace(HELD, rule="*", subject="", scope=None, id=8), HELD))
    await typed(
        "maintenance end 10.1.0.2:8899 prod",
        cluster(),
        alerts=FakeAlerts(held=(replace(HELD, subject="10.1.0.2:8899"),)),
    )
    [answer] = await typed("maintenance end 10.1.0.2 prod", cluster(), alerts=alerts)
    assert alerts.done == [("unsilence", 9, "U0ANNA")]
    assert "is ended" in answer.message.text
    with refused("is not in maintenance. In maintenance: 10.1.0.2"):
        await typed("maintenance end 10.1.0.1 prod", cluster(), alerts=alerts)


async def test_lists_count_the_muted_alerts() -> None:
    alerts = FakeAlerts(found=(muted_under(HELD, ABOUT),), held=(HELD,))
    [listed] = await typed("maintenances", cluster(), alerts=alerts)
    assert listed.message.text == "1 host is in maintenance."
    assert "it mutes 1 alert" in str(listed.message.blocks)
    [shown] = await typed("alerts", cluster(), alerts=alerts)
    assert "`10.1.0.2` of prod is in maintenance until" in str(shown.message.blocks)
    assert "silence in force" not in str(shown.message.blocks)
    [silences] = await typed("silences", cluster(), alerts=alerts)
    assert "what stopping `10.1.0.2` of prod explains" in str(silences.message.blocks)


def click(action: str, value: str) -> Click:
    return Click("k", "U0ANNA", "C1", action, value, "1.0", "http://127.0.0.1/")


async def test_button_stands_for_the_typed_command() -> None:
    router = ButtonRouter(None, None, ACCESS)  # type: ignore[arg-type]
    start = '{"host": "10.1.0.1", "cluster": "prod", "for": "2h"}'
    assert await router.decide(click("maintenance_start", start)) == RunCommand(
        "maintenance start 10.1.0.1 prod for=2h"
    )
    assert await router.decide(click("maintenance_end", '{"silence": 9}')) == RunCommand("unsilence 9")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "[]",
        '{"host": "10.1.0.1 anyway=yes", "cluster": "prod", "for": "2h"}',
        '{"host": "10.1.0.1", "cluster": "prod x", "for": "2h"}',
        '{"host": "10.1.0.1", "cluster": "prod", "for": "2h reason=x"}',
        '{"host": 7, "cluster": "prod", "for": "2h"}',
    ],
)
async def test_forged_button_is_refused(value: str) -> None:
    router = ButtonRouter(None, None, ACCESS)  # type: ignore[arg-type]
    for action in ("maintenance_start", "maintenance_end"):
        with pytest.raises(UserError, match="belongs to no maintenance"):
            await router.decide(click(action, value))

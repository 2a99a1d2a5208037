"""The exit status by what was found, and the JSON of each command."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.cluster_status import NOTHING_KNOWN, StatusLevel
from bot.alerting.model import Alert, AlertState, LegacyDetail, Severity
from bot.alerting.pull_safety import pull_safety
from bot.alerting.task_activity import ActivityKind, TaskActivity
from bot.alerting.volume_risk import VolumeRisk
from bot.cli.terminal.ask import TerminalAnswer
from bot.cli.terminal.exit_status import Exit, exit_status, of_level
from bot.cli.terminal.show import as_json
from bot.clustermgr.disk_states import DiskListing
from bot.clustermgr.models import Disk
from bot.clustermgr.tasks import DetectedDialect, Dialect, DialectEvidence, EvidenceKind
from bot.clustermgr.volume_survey import SuspectDisks, VolumeSurvey
from bot.interactions.command import Reply
from bot.interactions.facts import OneDisk, OpenAlerts, OperationRows, Polled, TaskStates
from bot.interactions.message import Message
from bot.views.clusters import ClusterLine
from bot.views.disk_list import DiskList
from bot.views.risk import RiskReport
from tests.support.view_samples import AT, healthy, voter_down

PINNED = DetectedDialect(Dialect.V3, DialectEvidence(EvidenceKind.PINNED), pinned=True)

DISK = Disk(disk_id=1, status=2)
ALERT = Alert("prod", "disk_broken", "", AlertState.FIRING, Severity.CRITICAL, LegacyDetail("Disk 1 broke."), AT)


def test_every_level_has_its_status() -> None:
    found = {level: of_level(level) for level in StatusLevel}
    assert found[StatusLevel.HEALTHY] is Exit.HEALTHY
    assert found[StatusLevel.DEGRADED] is Exit.DEGRADED
    assert {level for level, status in found.items() if status is Exit.UNKNOWN} == {StatusLevel.UNREACHABLE}
    assert of_level("") is Exit.UNKNOWN
    assert Exit.USAGE not in found.values()


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        (Polled(healthy(), None, NOTHING_KNOWN), Exit.HEALTHY),
        (Polled(voter_down(), None, NOTHING_KNOWN), Exit.DEGRADED),
        (OpenAlerts((), ()), Exit.HEALTHY),
        (OpenAlerts((replace(ALERT, severity=Severity.WARNING),), ()), Exit.DEGRADED),
        (OpenAlerts((replace(ALERT, severity=Severity.INFO), ALERT), ()), Exit.CRITICAL),
        (OneDisk("prod", DISK, pull_safety(DISK, None, AT), dropping=None), Exit.DEGRADED),
        (RiskReport("prod", (VolumeRisk(7, 2, None, lost=(1,)),), VolumeSurvey(SuspectDisks(), {}, {}), AT), 3),
        (RiskReport("prod", (), VolumeSurvey(SuspectDisks(listed=False), {}, {}), AT), Exit.UNKNOWN),
        (OperationRows((), ()), Exit.HEALTHY),
        ((), Exit.UNKNOWN),
        ((ClusterLine("prod", 3, ClusterNote(at=AT, level="critical")), ClusterLine("lab", 3, ClusterNote())), 4),
        (None, Exit.UNKNOWN),
        (TaskStates(healthy(), replace(PINNED, dialect=None), {}), Exit.UNKNOWN),
        (TaskStates(healthy(), PINNED, {"balance": TaskActivity(ActivityKind.OFF)}), Exit.HEALTHY),
        (TaskStates(healthy(), PINNED, {"disk_repair": TaskActivity(ActivityKind.OFF, disks=1)}), Exit.DEGRADED),
        (TaskStates(healthy(), PINNED, {"balance": TaskActivity(ActivityKind.SILENT)}), Exit.DEGRADED),
        (DiskList("prod", DiskListing((Disk(disk_id=1, status=1),)), (), AT), Exit.HEALTHY),
        (DiskList("prod", DiskListing((Disk(disk_id=1, status=4),)), (), AT), Exit.HEALTHY),
        (DiskList("prod", DiskListing((Disk(disk_id=1, status=2),)), (), AT), Exit.DEGRADED),
        (DiskList("prod", DiskListing((), expired=1), (), AT), Exit.DEGRADED),
        (DiskList("prod", DiskListing((), by_leader=False), (), AT), Exit.UNKNOWN),
    ],
)
def test_status_of_what_was_found(facts: object, status: int) -> None:
    assert exit_status(facts) == status


def answered(command: str, *facts: object, error: str = "") -> Any:
    """The object that `--json` prints, as a reader gets it."""
    answers = [TerminalAnswer("prod", Reply(Message("-"), facts=each)) for each in facts]
    answers += [TerminalAnswer("lab", None, error)] if error else []
    return json.loads(json.dumps(as_json(command, answers, at=AT, without_store="")))


def test_the_keys_of_the_json_are_stable() -> None:
    """A key that is removed or renamed breaks the scripts of others: raise SCHEMA then, and say it in the docs."""
    found = answered("stat", Polled(healthy(), None, NOTHING_KNOWN), error="lab\x1b is away")
    assert list(found) == ["schema", "command", "at", "status", "verdict", "results", "errors", "without_database"]
    assert (found["schema"], found["status"], found["verdict"]) == (1, 4, "unknown")
    assert found["errors"] == [{"cluster": "lab", "error": "lab\x1b is away"}]
    assert "\x1b" not in json.dumps(found)
    [prod] = found["results"]
    members = ["cluster", "at", "level", "sentence", "reasons", "leader", "term", "quorum", "members", "hosts"]
    assert list(prod) == [*members, "read_only", "counters_fresh", "space", "disks", "zones", "volumes", "risk"]
    [alone] = answered("members", Polled(healthy(), None, NOTHING_KNOWN))["results"]
    assert list(alone) == members
    assert alone["at"] == "2023-11-14T22:13:20Z"
    assert {"silences", "undelivered"} & {*answered("alerts", OpenAlerts((), ()))} == {"silences"}
    assert answered("ops", OperationRows((), ()))["undelivered"] == []


@pytest.mark.parametrize(
    ("command", "facts"),
    [
        ("stat", Polled(healthy(), None, NOTHING_KNOWN)),
        ("members", Polled(voter_down(), None, NOTHING_KNOWN)),
        ("disks", DiskList("prod", DiskListing((DISK,)), (DISK,), AT)),
        ("disk", OneDisk("prod", DISK, pull_safety(DISK, (), AT), dropping=True)),
        ("tasks", TaskStates(replace(healthy(), switches={"balance": "true"}), PINNED, {})),
        ("risk", RiskReport("prod", (VolumeRisk(7, 2, None, lost=(1,)),), VolumeSurvey(SuspectDisks(), {}, {}), AT)),
        ("alerts", OpenAlerts((ALERT,), ())),
        ("clusters", (ClusterLine("prod", 3, ClusterNote(at=AT, level="healthy", leader=1)),)),
    ],
)
def test_the_manual_names_every_key(command: str, facts: object) -> None:
    page = (Path(__file__).parents[4] / "docs" / "terminal.md").read_text(encoding="utf-8")
    [found] = answered(command, facts)["results"]
    own = {"stat": ("stat", "members"), "disks": ("disks", "disk")}.get(command, (command,))
    rows = [line for line in page.splitlines() for name in own if line.startswith(f"| `{name}` | ")]
    named = set(re.findall(r"`(\w+)`", " ".join(rows)))
    assert sorted(_keys(found) - named) == []


def _keys(value: Any) -> set[str]:
    if isinstance(value, list):
        return {key for each in value for key in _keys(each)}
    if not isinstance(value, dict):
        return set()
    # The counts are by the states of disks.
    return set(value) | {key for name, each in value.items() if name != "counts" for key in _keys(each)}

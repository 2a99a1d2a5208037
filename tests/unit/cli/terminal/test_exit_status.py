"""The exit status by what was found, and the JSON of each command."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.cluster_status import NOTHING_KNOWN, StatusLevel
from bot.alerting.task_activity import ActivityKind, TaskActivity
from bot.cli.terminal.ask import Answer
from bot.cli.terminal.exit_status import Exit, exit_status, of_level
from bot.cli.terminal.show import as_json
from bot.clustermgr.disk_states import DiskListing
from bot.clustermgr.models import Disk
from bot.clustermgr.tasks import DetectedDialect, Dialect, DialectEvidence, EvidenceKind
from bot.interactions.command import Reply
from bot.interactions.facts import OpenAlerts, OperationRows, Polled, TaskStates
from bot.interactions.message import Message
from bot.views.clusters import ClusterLine
from bot.views.disk_list import DiskList
from tests.support.view_samples import AT, healthy, voter_down

PINNED = DetectedDialect(Dialect.V3, DialectEvidence(EvidenceKind.PINNED), pinned=True)


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
    answers = [Answer("prod", Reply(Message("-"), facts=each)) for each in facts]
    answers += [Answer("lab", None, error)] if error else []
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

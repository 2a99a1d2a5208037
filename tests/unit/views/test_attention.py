"""What needs a person stands first and looks like it; lists name the next step; numbers have their plural."""

from dataclasses import replace
from typing import Any

import pytest

from bot.alerting.cluster_state.observations import Progress
from bot.alerting.cluster_status import StatusContext
from bot.alerting.grouping import AlertGroup
from bot.alerting.model import Alert, AlertState, LegacyDetail, MaintenanceScope, Severity, Silence
from bot.alerting.progress import LeftCount
from bot.alerting.risk_facts import RiskFact, RiskNote
from bot.alerting.silences import MAINTENANCE, Lifted
from bot.alerting.task_activity import ActivityKind, TaskActivity, WorkOnDisk
from bot.clustermgr.disk_states import DiskListing
from bot.clustermgr.tasks import DetectedDialect, Dialect, DialectEvidence, EvidenceKind
from bot.common.message_key import MessageKey
from bot.operations.disk_step_facts import DropEnded
from bot.operations.model import ObservedState, Operation, OpState, StepKind, advance, note
from bot.operations.request_problems import PeerIdNotDigits
from bot.operations.requests import DiskOffline
from bot.views import alert_lists, operations
from bot.views.alert_group import group_card
from bot.views.disk_list import notes
from bot.views.maintenance_text import maintenances
from bot.views.problem_text.table import problem_text
from bot.views.repairs import RepairReport, repairs
from bot.views.safe_to_stop import safe_to_stop
from bot.views.stat import stat
from bot.views.status import Status, status
from bot.views.tasks import tasks
from tests.docgen.phrasebook.maintenance import verdict
from tests.support.view_samples import AT, disk, healthy, seen
from tests.support.watch_builders import host

ONE = Silence("prod", "peer_down", "3", AT + 3600, "U0ANNA", "reboot", AT, id=7)
OTHER = replace(ONE, id=8, rule="*", subject="")
HOST = replace(ONE, id=9, rule=MAINTENANCE, subject="10.0.0.7", scope=MaintenanceScope("10.0.0.7", (), (3,), (), ()))
V3 = DetectedDialect(Dialect.V3, DialectEvidence(EvidenceKind.PINNED), pinned=True)


def first_cells(blocks: Any) -> list[tuple[str, str]]:
    [table] = (block for block in blocks if block["type"] == "data_table")
    return [(row[0]["text"], row[1]["text"]) for row in table["rows"]]


def test_a_task_that_does_not_work_is_no_green_lamp_and_is_named_first() -> None:
    snapshot = replace(healthy(), switches={"balance": "true", "disk_repair": "false", "disk_drop": "true"})
    found = {
        "balance": TaskActivity(ActivityKind.IDLE),
        "disk_repair": TaskActivity(ActivityKind.OFF, 4),
        "disk_drop": TaskActivity(ActivityKind.SILENT, 1),
    }
    shown = tasks(snapshot, V3, found)
    assert shown.text.endswith("2 on, 1 off, 6 not read. Not working: disk_repair and disk_drop.")
    assert first_cells(shown.blocks)[:3] == [("State", "Task"), ("⚠ off", "disk_repair"), ("⚠ on", "disk_drop")]
    assert ("🟢 on", "balance") in first_cells(shown.blocks)


def test_tasks_that_work_need_no_word_more() -> None:
    shown = tasks(replace(healthy(), switches={"balance": "true"}), V3, {"balance": TaskActivity(ActivityKind.IDLE)})
    assert "Not working" not in shown.text


def test_why_repairs_wait_stands_above_the_table_with_the_next_step() -> None:
    work = WorkOnDisk(Progress(7, 3, AT, AT, None, 120, (LeftCount(AT, 48),)), drop=False, host="h", idc="z0")
    waits = {"disk_repair": TaskActivity(ActivityKind.OFF, 4), "disk_drop": TaskActivity(ActivityKind.SILENT, 1)}
    shown = repairs(RepairReport("prod", (work,), AT, AT, waits))
    assert shown.blocks[0]["text"]["text"].split("\n") == [
        "*prod: 1 disk being repaired.*",
        "⚠ `disk_repair` is off; 4 disks wait to be repaired. To turn it on: `/cm task enable disk_repair prod`",
        "⚠ `disk_drop` is on, but no scheduler answers; 1 disk waits to be emptied.",
        "Each task, and what happens with it: `/cm tasks prod`",
    ]
    assert shown.blocks[1]["type"] == "data_table"
    well = repairs(RepairReport("prod", (work,), AT, AT, {"disk_repair": TaskActivity(ActivityKind.WORKING, 1, 1)}))
    assert well.blocks[0]["text"]["text"] == "*prod: 1 disk being repaired.*"


@pytest.mark.parametrize(("left", "mark"), [(0, "✅"), (3, "⚠️")])
def test_a_drop_that_leaves_units_is_no_green_mark(left: int, mark: str) -> None:
    op = Operation("prod", DiskOffline(7), "U0ANNA", AT, AT + 900, channel="C0OPS", id=12, seen=ObservedState())
    op = advance(op, OpState.WAITING, at=AT, by="U0ANNA", kind=StepKind.PROPOSED)
    op = advance(op, OpState.RUNNING, at=AT, by="U0BEN", kind=StepKind.CONFIRMED)
    op = note(advance(op, OpState.VERIFIED, at=AT), at=AT + 60, fact=DropEnded(7, 5, left, left))
    assert operations.card(op).blocks[1]["text"]["text"].startswith(f"{mark} *Verified*: disk #7 is dropped")
    assert operations.line(op).text.startswith(f"{mark} Operation #12")


def test_calls_are_code_on_a_card_of_disks() -> None:
    op = Operation("prod", DiskOffline(7), "U0ANNA", AT, AT + 900, channel="C0OPS", id=12, seen=ObservedState())
    op = advance(op, OpState.WAITING, at=AT, by="U0ANNA", kind=StepKind.PROPOSED)
    sent = "*Will be sent*\n`/disk/access` disk_id 7, readonly true; then `/disk/drop` disk_id 7"
    assert sent in seen(operations.card(op))


def test_volumes_that_the_headline_counts_are_not_counted_again() -> None:
    risk = RiskFact(RiskNote(none_left=1, one_left=2, reduced=12), AT)
    text = seen(stat(healthy(), known=StatusContext(risk=risk)))
    assert text.startswith("🔴 *prod is critical: 1 volume can lose no more units.")
    assert text.count("can lose no more units") == text.count("2 volumes can lose 1 more unit") == 1
    assert "*Volumes at risk* also 12 volumes can still lose 2 or more units, as of" in text
    only = seen(stat(healthy(), known=StatusContext(risk=RiskFact(RiskNote(none_left=1), AT))))
    assert "🔴 *Volumes at risk*, as of" in only


@pytest.mark.parametrize(
    ("left", "words"), [((OTHER,), "1 silence still mutes"), ((OTHER, HOST), "2 silences still mute")]
)
def test_silences_that_are_left_have_their_verb(left: tuple[Silence, ...], words: str) -> None:
    assert f"; {words} some of the same alerts;" in alert_lists.silence_lifted(Lifted(ONE, left)).text
    assert f", but {words}:" in alert_lists.lifted(Lifted(ONE, left), "U0BEN").text


def test_answer_about_a_proposal_has_no_gap() -> None:
    op = Operation("prod", DiskOffline(7), "U0ANNA", AT, AT + 900, channel="C0OPS", id=12, seen=ObservedState())
    assert "  " not in operations.proposed(replace(op, state=OpState.WAITING), "").text


def test_lists_of_what_mutes_say_how_to_end_it() -> None:
    assert "`/cm unsilence 7` ends one early" in seen(alert_lists.silences((HOST, ONE), now=AT))
    assert "`/cm unsilence 7` ends it early" in seen(alert_lists.silences((ONE,), now=AT))
    assert "`/cm unsilence 7` ends one early" in seen(alert_lists.silences((), now=AT, planned=(ONE, OTHER)))
    assert "/cm" not in seen(alert_lists.silences((), now=AT))
    assert "`/cm maintenance end 10.0.0.7 prod` ends it early" in seen(maintenances((HOST,), {}, now=AT))
    assert "/cm" not in seen(maintenances((), {}, now=AT))


def test_an_ended_storm_speaks_of_open_alerts_only_if_there_are_some() -> None:
    alert = Alert("prod", "x", "", AlertState.FIRING, Severity.WARNING, LegacyDetail("Ill."), AT, fired_at=AT, id=1)
    group = AlertGroup(MessageKey.parse("digest:C0STORAGE:1"), AT, (), (1,), ended_at=AT + 60)
    over = replace(alert, state=AlertState.RESOLVED, resolved_at=AT + 50)
    assert "Open alerts" not in seen(group_card(group, (over,), ()))


def test_messages_that_slack_refused_have_their_next_step() -> None:
    assert "2 messages that Slack refused: `/cm ops`" in seen(status(Status(AT, (), 0, 0.0, 2)))


def test_an_id_that_was_not_given_is_said_so() -> None:
    assert problem_text(PeerIdNotDigits("")) == "A peer id is a whole number in plain digits, as in 4; none was given."


def test_one_disk_without_a_name_is_one() -> None:
    assert notes(DiskListing((disk(1),), dropping=frozenset(), expired=1)) == [
        "By the leader's counters 1 disk has lost the heartbeat; no call names it."
    ]


def test_what_is_not_judged_yet_is_asked_again() -> None:
    assert "Ask again in a minute: `/cm safe-to-stop 10.1.0.1 prod`" in seen(safe_to_stop(verdict(read=False), "2h"))
    assert "Ask again in some minutes:" in seen(safe_to_stop(verdict(fresh=True), "2h"))
    for known in (verdict(), verdict(mode=99), verdict(host(2), leader=0)):
        assert "Ask again" not in seen(safe_to_stop(known, "2h"))

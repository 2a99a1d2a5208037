"""What a person sees of an alert."""

from dataclasses import replace
from typing import Any

import pytest

from bot.alerting.details import DiskName, DisksBroken, StoredSwitch, TaskOff
from bot.alerting.engine import Transition, TransitionReason, Visibility
from bot.alerting.model import (
    Alert,
    AlertState,
    EnableTask,
    Fix,
    LegacyDetail,
    LegacyOutcome,
    LegacyText,
    Severity,
    TransferLeader,
)
from bot.alerting.rules.table import RULES, rule_named
from bot.alerting.runbooks import RUNBOOKS
from bot.interactions.message import Message
from bot.views.alert_actions import next_step, runbook
from bot.views.alerts import card, line
from bot.views.blocks import date

NOON = 1_790_000_000.0
ALERT = Alert(
    cluster="prod",
    rule="disk_broken",
    subject="",
    state=AlertState.FIRING,
    severity=Severity.CRITICAL,
    detail=LegacyDetail("2 disks of prod are broken.", ("disk 7", "disk 8")),
    since=NOON,
    weight=2,
    fired_at=NOON,
    reminded_at=NOON,
)


def texts(message: Message) -> list[str]:
    """All mrkdwn of a message, block by block."""
    found: list[str] = []
    for block in message.blocks:
        parts: Any = [block["text"]] if "text" in block else block.get("elements", [])
        found += [part["text"] for part in parts]
    return found


def test_alert_shows_severity_cluster_sentence_and_start() -> None:
    message = card(ALERT)
    assert message.text == "Critical in prod: 2 disks of prod are broken."
    head, body, step, small = texts(message)
    assert head == "🚨 *Critical · prod*\n2 disks of prod are broken."
    assert body == "• disk 7\n• disk 8"
    assert step == "*Next:* `/cm tasks`: is `disk_repair` on?"
    assert small.startswith("firing since <!date^1790000000^")
    assert "UTC>" in small


def test_next_step_for_an_unset_task_stores_a_value() -> None:
    unset = TaskOff(
        "balance", StoredSwitch("balance", None, LegacyText("services read it as off")), 86_400.0, unset=True
    )
    steps = texts(card(replace(ALERT, rule="task_off_too_long", detail=unset)))
    assert "*Next:* Store a value: `/cm task enable balance` or `/cm task disable balance`." in steps
    off = texts(card(replace(ALERT, rule="task_off_too_long", detail=replace(unset, unset=False))))
    assert any("show who switched it off" in step for step in off)


def test_every_severity_has_a_word_and_a_symbol() -> None:
    heads = [texts(card(replace(ALERT, severity=severity)))[0].split("\n")[0] for severity in Severity]
    assert heads == ["ℹ️ *Info · prod*", "⚠️ *Warning · prod*", "🚨 *Critical · prod*"]  # noqa: RUF001 - the symbol meant


def test_many_lines_are_counted_those_left_out_before_too() -> None:
    many = replace(ALERT, detail=LegacyDetail("4,000.", tuple(f"disk {n}" for n in range(50)), 3950))
    body = texts(card(many))[1].split("\n")
    assert (len(body), body[-1]) == (6, "… and 3,995 more")


def test_acknowledged_alert_names_the_person() -> None:
    small = texts(card(replace(ALERT, state=AlertState.ACKNOWLEDGED, acked_by="U1", acked_at=NOON)))[-1]
    assert small.startswith("acknowledged by <@U1>, open since <!date^")


RESOLVED = replace(
    ALERT,
    state=AlertState.RESOLVED,
    resolved_at=NOON + 7500,
    outcome=LegacyOutcome("Disks #7 and #8 of prod were repaired."),
)


def test_resolved_alert_shows_outcome_and_duration() -> None:
    message = card(RESOLVED)
    assert message.text == "Resolved in prod after 2 h 5 min: Disks #7 and #8 of prod were repaired."
    assert texts(message)[0] == "✅ *Resolved after 2 h 5 min · prod*\nDisks #7 and #8 of prod were repaired."
    assert "It was: 2 disks of prod are broken." in texts(message)[1]


def test_duration_ends_when_the_finding_ended() -> None:
    assert card(replace(RESOLVED, clear_since=NOON + 60)).text.startswith("Resolved in prod after 1 min:")


@pytest.mark.parametrize(
    ("resolved", "also"), [(NOON + 90, ""), (NOON + 150, f", resolved {date(NOON + 150, 'minute')}")]
)
def test_resolved_alert_ends_with_its_finding(resolved: float, also: str) -> None:
    posted = card(replace(RESOLVED, clear_since=NOON + 60, resolved_at=resolved))
    assert (
        f"from {date(NOON, 'minute')} to {date(NOON + 60, 'minute')}{also}" == posted.blocks[-1]["elements"][-1]["text"]
    )


def test_lines_of_the_thread() -> None:
    disks = tuple(DiskName(number, 2, f"h:{number}", f"/data/{number}", "z0") for number in (7, 8))
    older = replace(ALERT, detail=DisksBroken(1, 0, disks[:1]), weight=1)
    newer = replace(ALERT, detail=DisksBroken(2, 0, disks))
    worse = line(Transition(older, newer, TransitionReason.WORSE, Visibility.REPLY))
    added = "• disk #8 on `h:8`, path `/data/8`, zone `z0`: broken"
    assert texts(worse) == [f"🚨 Critical, worse than before in prod: 2 disks of prod are broken.\n{added}"]
    reminded = replace(ALERT, reminded_at=NOON + 3600)
    assert line(Transition(ALERT, reminded, TransitionReason.REMINDED, Visibility.REPLY)).text == (
        "Still firing in prod after 1 h: 2 disks of prod are broken."
    )
    assert line(Transition(ALERT, RESOLVED, TransitionReason.RESOLVED, Visibility.REPLY)).text == card(RESOLVED).text


def test_reply_counts_only_the_lines_that_changed() -> None:
    disks = tuple(DiskName(number, 2, f"h:{number}", f"/data/{number}", "z0") for number in range(1, 21))
    older = replace(ALERT, detail=DisksBroken(1, 0, disks[:1]), weight=1)
    worse = line(Transition(older, replace(ALERT, detail=DisksBroken(20, 0, disks)), TransitionReason.WORSE, REPLY))
    assert texts(worse)[0].endswith("… and 14 more of those that changed")


REPLY = Visibility.REPLY


def labels(alert: Alert) -> list[str]:
    """What can be clicked on an alert's message."""
    rows = [block for block in card(alert).blocks if block["type"] == "actions"]
    return [element.get("text", element.get("placeholder"))["text"] for row in rows for element in row["elements"]]


def test_only_open_alerts_have_buttons() -> None:
    posted = replace(ALERT, id=7)
    rest = ["Silence …", "Show cluster", "Runbook"]
    assert labels(posted) == ["Acknowledge", *rest]
    assert labels(replace(posted, state=AlertState.ACKNOWLEDGED, acked_by="U1")) == ["Take over", "Give back", *rest]
    assert labels(replace(posted, state=AlertState.RESOLVED, resolved_at=NOON + 1)) == []
    assert labels(ALERT) == []


@pytest.mark.parametrize(
    ("fix", "label"),
    [
        (EnableTask("disk_repair"), "Enable disk_repair"),
        (TransferLeader(2), "/cm leader transfer 2 prod"),
    ],
)
def test_fix_button_names_its_proposal(fix: Fix, label: str) -> None:
    fixable = replace(ALERT, id=7, fix=fix)
    assert labels(fixable)[:2] == ["Acknowledge", label]
    assert labels(replace(fixable, state=AlertState.ACKNOWLEDGED))[0] == label


@pytest.mark.parametrize("address", ["https://wiki.example/cm/", "https://wiki.example/cm"])
def test_runbook_has_cause_steps_and_link(address: str) -> None:
    rule = rule_named("disk_broken")
    assert rule is not None
    shown = "\n".join(texts(runbook(rule, RUNBOOKS[rule.key], address)))
    assert "*What to do*\n1. `/cm tasks`" in shown
    assert "<https://wiki.example/cm/alerts.md#disk_broken|alerts.md#disk_broken>" in shown


def test_runbook_without_a_served_manual_names_no_page() -> None:
    for rule in RULES:
        assert "docs/" not in "\n".join(texts(runbook(rule, RUNBOOKS[rule.key])))


def test_every_runbook_fits_and_has_a_next_step() -> None:
    for rule in RULES:
        assert next_step(rule.key), rule.key
        assert all(len(text) <= 3000 for text in texts(runbook(rule, RUNBOOKS[rule.key])))


def test_hostile_text_mentions_no_one_and_fits() -> None:
    evil = "<!channel> <@U9> <https://evil|click> & " * 200
    hostile = replace(ALERT, detail=LegacyDetail(evil, (evil,) * 50), subject=evil, outcome=LegacyOutcome(evil))
    for message in (card(hostile), card(replace(hostile, state=AlertState.RESOLVED, resolved_at=NOON + 1))):
        shown = "\n".join((message.text, *texts(message)))
        assert "<!channel>" not in shown
        assert "<@U9>" not in shown
        assert "<https" not in shown
        assert all(len(text) <= 3000 for text in texts(message))

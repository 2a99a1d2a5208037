"""The change that an alert or its runbook names next: it has a form, known arguments, and is in the text."""

import re
from dataclasses import replace

import pytest

from bot.alerting import details as d
from bot.alerting.model import Alert, Detail, EnableTask, TransferLeader
from bot.alerting.next_change import NextChange, change_of_rule, change_of_runbook, next_change
from bot.alerting.rules.table import RULES
from bot.alerting.runbooks import RUNBOOKS
from bot.chatops.forms.fields import KINDS, kind_of
from bot.views.alert_actions import buttons, next_step_of
from bot.views.alert_text.table import alert_text
from tests.docgen.phrasebook.alerts import RULE_OF, _alert
from tests.support.alert_samples import DETAIL_SAMPLES

ALERTS = [_alert(detail) for detail in DETAIL_SAMPLES]
_BY_DETAIL = frozenset({"switch_changed"})
"""Runbooks that name two changes; the alert decides which."""


def text(alert: Alert) -> str:
    steps = RUNBOOKS[alert.rule].steps if alert.rule in RUNBOOKS else ()
    return "\n".join((next_step_of(alert), *alert_text(alert).lines, *steps))


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: f"{alert.rule}-{type(alert.detail).__name__}")
def test_next_change_has_a_form_and_is_in_the_text(alert: Alert) -> None:
    change = next_change(replace(alert, fix=None))
    if change is None:
        return
    kind = kind_of(change.kind)
    assert kind is not None
    assert set(change.given) <= set(kind.command.args.typed())
    assert f"/cm {change.kind}" in text(alert)
    if change.first:
        shown = "\n".join((next_step_of(alert), *alert_text(alert).lines))
        assert f"/cm {change.kind}" in shown
    labels = [each.text.text for each in buttons(replace(alert, fix=None)) if hasattr(each, "text")]
    assert ("Propose the next step" in labels) is change.first


def test_every_runbook_that_names_a_change_has_it() -> None:
    for rule in RULES:
        steps = " ".join(RUNBOOKS[rule.key].steps)
        named = {kind.key for kind in KINDS if re.search(rf"/cm {kind.key}\b", steps)}
        change = change_of_rule(rule.key)
        if named and rule.key not in _BY_DETAIL:
            assert change is not None, f"{rule.key} names {named}"
            assert change.kind in named, rule.key


def test_fix_has_its_own_button_instead() -> None:
    alert = next(each for each in ALERTS if isinstance(each.detail, d.LearnerReady))
    assert next_change(alert) is not None
    fixed = replace(alert, fix=EnableTask("balance"))
    assert next_change(fixed) is None
    assert change_of_runbook(fixed) == NextChange("task enable", {"task": "balance"})
    assert change_of_runbook(replace(alert, fix=TransferLeader(2))) == NextChange("leader transfer", {"peer_id": "2"})
    assert change_of_runbook(alert) == next_change(alert)


def sample(kind: type[Detail]) -> Alert:
    return next(alert for alert in ALERTS if type(alert.detail) is kind)


def test_lost_peer_fills_the_form() -> None:
    alert = sample(d.PeerDown)
    assert isinstance(alert.detail, d.PeerDown)
    change = next_change(alert)
    assert change is not None
    assert change.given == {"dead": str(alert.detail.peer.id)}


def test_several_sick_voters_name_none() -> None:
    alert = sample(d.QuorumAtRisk)
    assert isinstance(alert.detail, d.QuorumAtRisk)
    sick = (d.SickVoter(2, None), d.SickVoter(3, None))
    change = next_change(replace(alert, detail=replace(alert.detail, sick=sick)))
    assert change is not None
    assert change.given == {}


def test_changed_switch_goes_back() -> None:
    move = d.SwitchMove("balance", d.SwitchValue("true", "on"), d.SwitchValue("false", "off"))
    back = next_change(replace(sample(d.SwitchesChanged), detail=d.SwitchesChanged((move,))))
    assert back is not None
    assert (back.kind, back.given) == ("task enable", {"task": "balance"})


def test_samples_have_their_rules() -> None:
    assert {type(alert.detail) for alert in ALERTS} <= set(RULE_OF)

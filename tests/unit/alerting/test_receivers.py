"""Receivers: what they take, what they must hear of, and the stored form of an alert."""

import json
from dataclasses import replace

import pytest

from bot.alerting.external import severity_of
from bot.alerting.model import AlertState, Severity
from bot.alerting.receivers import EXTERNAL_RULE, OutputAlert, Receiver, ReceiverKind
from tests.support.output_builders import BROKEN, resolved


def test_the_stored_form_is_complete() -> None:
    for alert in (
        BROKEN,
        resolved(BROKEN),
        replace(BROKEN, acked_by="U1", state=AlertState.ACKNOWLEDGED, silenced=True),
    ):
        assert OutputAlert.from_json(json.loads(json.dumps(alert.to_json()))) == alert


def test_an_unknown_key_of_a_later_release_is_ignored() -> None:
    assert OutputAlert.from_json({**BROKEN.to_json(), "later": 1}) == BROKEN


def test_what_came_from_an_alertmanager_never_goes_back_to_one() -> None:
    """Each would keep the alert of the other alive without end."""
    external = replace(BROKEN, rule=EXTERNAL_RULE)
    takers = {kind for kind in ReceiverKind if Receiver("x", kind).takes(external)}
    assert takers == set(ReceiverKind) - {ReceiverKind.ALERTMANAGER}


@pytest.mark.parametrize(
    ("changed", "hear"),
    [
        ({"details": ("disk 8",)}, set()),
        ({"summary": "2 disks of prod are broken."}, {"alertmanager", "webhook"}),
        ({"acked_by": "U1", "state": AlertState.ACKNOWLEDGED}, {"webhook", "pagerduty"}),
        ({"severity": Severity.WARNING}, {kind.value for kind in ReceiverKind}),
        ({"state": AlertState.RESOLVED}, {kind.value for kind in ReceiverKind}),
    ],
)
def test_receivers_hear_of_the_changes_that_they_can_show(changed: dict[str, object], hear: set[str]) -> None:
    new = replace(BROKEN, **changed)  # type: ignore[arg-type]  # a table of fields
    heard = {kind.value for kind in ReceiverKind if Receiver("x", kind).mark(new) != Receiver("x", kind).mark(BROKEN)}
    assert heard == hear


@pytest.mark.parametrize(
    ("label", "severity"),
    [("critical", 3), ("Page ", 3), ("warning", 2), ("", 2), ("high", 2), ("info", 1), ("none", 1)],
)
def test_the_severity_of_a_label(label: str, severity: int) -> None:
    assert severity_of(label) == severity

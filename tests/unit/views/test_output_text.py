"""Alerts for receivers outside Slack: plain text, bounded, that can mention no one."""

from dataclasses import replace

import pytest

from bot.alerting.model import Alert, AlertState, Detail, Severity
from bot.views.output_text import MAX_DETAILS, output_alert, robot_text
from tests.support.alert_samples import DETAIL_SAMPLES, OUTCOME_SAMPLES
from tests.support.output_builders import BROKEN, resolved


def _alert(detail: Detail) -> Alert:
    return Alert("prod", "disk_broken", "", AlertState.FIRING, Severity.WARNING, detail, 1000.4, fired_at=1010.0, id=17)


@pytest.mark.parametrize("detail", DETAIL_SAMPLES, ids=lambda each: type(each).__name__)
def test_every_alert_has_words_without_marks_of_slack(detail: Detail) -> None:
    found = output_alert(_alert(detail))
    assert found.summary
    assert found.key == "cmbot/prod/disk_broken/17/1000"
    assert len(found.details) <= MAX_DETAILS + 1
    for text in (found.summary, *found.details):
        assert "`" not in text
        assert "<!date" not in text
        assert "\n" not in text


def test_the_end_of_an_alert_has_its_outcome() -> None:
    over = replace(_alert(DETAIL_SAMPLES[1]), state=AlertState.RESOLVED, resolved_at=1100.0, outcome=OUTCOME_SAMPLES[1])
    found = output_alert(over)
    assert (found.open, found.resolved_at) == (False, 1100.0)
    assert found.outcome


def test_a_robot_gets_the_most_severe_first_and_the_number_of_the_rest() -> None:
    many = [replace(BROKEN, id=number, subject=f"s{number}", summary="x" * 400) for number in range(9)]
    mild = replace(BROKEN, id=99, severity=Severity.INFO)
    text = robot_text([resolved(BROKEN), mild, *many])
    assert text.startswith("[cmbot] CRITICAL prod disk_broken s0: xxx")
    assert len(text.encode()) <= 2048
    assert text.endswith("more: see Slack.")


def test_a_robot_can_mention_no_one_and_long_text_is_cut() -> None:
    hostile = replace(BROKEN, summary='<at user_id="all"></at>' + "é" * 4000)
    text = robot_text([hostile])
    assert "<" not in text
    assert len(text.encode()) <= 2048

"""Statistics of schedulers: numbers per minute, error texts, and the sums over several schedulers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clustermgr.scheduler_models import error_text, per_minute
from bot.clustermgr.scheduler_survey import SchedulerAnswer, SchedulerSurvey, TaskStats


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("[0 0 12]", (0, 0, 12)),
        ("[7]", (7,)),
        ("", None),
        ("[]", None),
        ("[1 -2]", None),
        ("[1.000KB 2.000B]", None),
        ("[\u0661]", None),
        (f"[{'1 ' * 61}]", None),
        (f"[{'9' * 16}]", None),
    ],
)
def test_numbers_per_minute_are_read_or_unknown(text: str, numbers: tuple[int, ...] | None) -> None:
    assert per_minute(text) == numbers


@given(st.text())
def test_any_text_per_minute_is_harmless(text: str) -> None:
    found = per_minute(text)
    assert found is None or all(number >= 0 for number in found)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("disk broken: 66.67%[24]", "disk broken"),
        ("a: b: 1.00%[2]", "a: b"),
        ("50% done", "50% done"),
        ("line\none\u202e", "line one"),
    ],
)
def test_error_text_has_one_line_and_no_counts(text: str, shown: str) -> None:
    assert error_text(text) == shown


def test_error_text_is_bounded() -> None:
    assert len(error_text("x" * 60_000)) == 120


def test_failing_is_the_last_whole_minute() -> None:
    assert TaskStats(failed=(3, 5, 1)).failing == 5
    assert TaskStats(failed=(4,)).failing == 4
    assert TaskStats().failing is None


def test_shard_tasks_are_summed_and_disk_tasks_are_the_leaders() -> None:
    answers = (
        SchedulerAnswer("a", {"shard_repair": TaskStats(on=True, failed=(1, 2, 3), errors=("EOF",))}),
        SchedulerAnswer(
            "b", {"shard_repair": TaskStats(on=False, failed=(10, 20), errors=("EOF", "x")), "disk_repair": TaskStats()}
        ),
    )
    survey = SchedulerSurvey(1.0, answers)
    assert survey.task("shard_repair") == TaskStats(on=False, failed=(12, 23), errors=("EOF", "x"))
    assert survey.task("blob_delete") is None
    assert survey.task("disk_repair") is None
    assert SchedulerSurvey(1.0, answers, {"disk_repair": TaskStats(total=4)}).task("disk_repair") == TaskStats(total=4)

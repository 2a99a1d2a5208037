"""The bench itself: every row can still be measured, and what is printed says what was measured."""

from pathlib import Path

import pytest

from tests.bench import __main__ as bench
from tests.bench.__main__ import ROWS, Row, main
from tests.bench.figures import Figure, percentile
from tests.bench.volumes import Took, mean_and_median


@pytest.mark.long
@pytest.mark.parametrize("name", ROWS)
def test_every_row_can_be_measured(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """All processes of the row start, exchange messages and end; no time is asserted."""
    assert main([name, "--quick"]) == 0
    printed = capsys.readouterr().out
    assert "reached" in printed or "MISSED" in printed


def test_an_unknown_row_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["speed"])
    assert ended.value.code == 2
    assert "no such row: speed" in capsys.readouterr().err


def test_a_row_that_fails_does_not_lose_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(_: Path) -> Figure:
        raise TimeoutError("no host answers")

    async def whole(_: Path) -> Figure:
        return Figure("the other row", 1.0, 1.0, "ms", 1.5, 1)

    monkeypatch.setattr(bench, "ROWS", {"broken": Row(broken), "whole": Row(whole)})
    assert main([]) == 1
    printed = capsys.readouterr().out
    assert "no host answers" in printed
    assert "the other row" in printed
    assert "failed: broken (see above)" in printed


@pytest.mark.parametrize(
    ("figure", "reached"),
    [
        (Figure("equal to its target", 3.0, 2.0, "ms", 1.5, 1), True),
        (Figure("above it", 3.1, 2.0, "ms", 1.5, 1), False),
        (Figure("a bare amount", 150.0, 96.0, "MB", 150, 1, absolute=True), True),
        (Figure("too much", 151.0, 96.0, "MB", 150, 1, absolute=True), False),
    ],
    ids=lambda value: value.name if isinstance(value, Figure) else "",
)
def test_a_verdict_compares_the_ratio_or_the_amount(figure: Figure, *, reached: bool) -> None:
    assert figure.reached is reached


def test_a_few_dear_polls_count_in_the_mean_of_an_hour() -> None:
    took = [Took(0.002, 0.001)] * 4 + [Took(0.007, 0.001, saved=True)] * 6
    mean, median = mean_and_median("an hour", took)
    assert (round(mean.result, 6), round(median.result, 6)) == (5.0, 2.0)
    assert (mean.name.endswith("mean"), median.name.endswith("p50 where nothing is saved")) == (True, True)
    assert (mean.samples, median.samples) == (10, 4)


def test_without_a_quiet_poll_the_median_is_of_all() -> None:
    [_, median] = mean_and_median("an hour", [Took(0.003, 0.001, saved=True)] * 3)
    assert round(median.result, 6) == 3.0


@pytest.mark.parametrize(("percent", "found"), [(0, 1), (1, 1), (50, 50), (99, 99), (99.5, 100), (100, 100)])
def test_a_percentile_is_a_value_that_was_measured(percent: float, found: float) -> None:
    assert percentile([float(number) for number in range(100, 0, -1)], percent) == found

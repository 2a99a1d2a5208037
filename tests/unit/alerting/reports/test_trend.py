"""Growth and forecast from recorded samples."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerting.reports.trend import (
    DAY,
    MAX_IDS,
    MIN_SPAN,
    Measurement,
    Sample,
    Sureness,
    Trend,
    sample_of,
    trend,
)
from bot.clustermgr.models import Disk
from bot.store.state_codec import decode_measurement
from tests.support.watch_builders import TIB, dark, polled

NOW = 1_790_000_000.0
HOUR = 3600.0


def history(
    days: float, used: Callable[[float], float], *, every: float = HOUR, total: float = 100 * TIB
) -> list[Sample]:
    """Samples of the last `days`; `used` tells bytes by the day since their start."""
    times = [NOW - days * DAY + step * every for step in range(int(days * DAY / every) + 1)]
    return [_sample(at, used((at - NOW) / DAY + days), total) for at in times]


def _sample(at: float, used: float, total: float) -> Sample:
    return (at, Measurement(used=int(used), writable=int(0.7 * (total - used)), total=int(total)))


def growing(day: float) -> float:
    return 10 * TIB + day * TIB


def test_steady_growth_has_days_until_full() -> None:
    """40 TiB used after 30 days, 60 TiB left at 1 TiB a day."""
    posted = trend(history(30, growing))
    assert posted.growth is not None
    assert posted.growth.middle == pytest.approx(TIB, rel=0.01)
    assert posted.full_in == pytest.approx(60, rel=0.02)
    assert (posted.sure, posted.jumps, posted.gap) == (Sureness.GOOD, 0, HOUR)


def test_forecast_uses_writable_space() -> None:
    eaten: list[Sample] = [
        (at, replace(values, writable=int((5 - (at - NOW) / DAY) * TIB))) for at, values in history(30, growing)
    ]
    assert trend(eaten).full_in == pytest.approx(5, rel=0.02)


def test_added_disks_are_no_growth_and_no_shrinking() -> None:
    """Ten days before the end the cluster doubles: what is left out is that moment only."""
    before, after = history(30, growing)[: 20 * 24], history(30, growing, total=200 * TIB)[20 * 24 :]
    samples = [*before, *after]
    posted = trend(samples)
    assert posted.jumps == 1
    assert posted.growth is not None
    assert posted.growth.middle == pytest.approx(TIB, rel=0.01)
    assert posted.full_in == pytest.approx(160, rel=0.02)


def test_varying_size_does_not_hide_growth() -> None:
    """The servers' total moves by a few bytes at each look; one disk of a thousand comes."""
    samples: list[Sample] = [
        (at, replace(values, total=int((values.total or 0) + number % 7 * 4096), disks=1000 + (number > 500)))
        for number, (at, values) in enumerate(history(30, growing))
    ]
    posted = trend(samples)
    assert posted.jumps == 1
    assert posted.growth is not None
    assert posted.growth.middle == pytest.approx(TIB, rel=0.01)


def test_single_large_write_does_not_change_the_trend() -> None:
    """20 TiB that came at once on the fifth day are not 20 TiB a day."""
    posted = trend(history(30, lambda day: growing(day) + (20 * TIB if day > 5 else 0)))
    assert posted.growth is not None
    assert posted.growth.middle == pytest.approx(TIB, rel=0.1)


def test_nightly_batches_are_growth() -> None:
    posted = trend(history(30, lambda day: growing(int(day))))
    assert posted.growth is not None
    assert posted.growth.middle == pytest.approx(TIB, rel=0.05)


def test_daily_rhythm_averages_out() -> None:
    posted = trend(history(14, lambda day: growing(day) + (TIB if day % 1 < 0.5 else 0)))
    assert posted.growth is not None
    assert posted.growth.middle == pytest.approx(TIB, rel=0.1)


def test_dense_new_samples_count_no_more_than_thinned_old_ones() -> None:
    """Hourly for three weeks, then every ten minutes, with slower growth in the dense part."""
    posted = trend([*history(28, growing)[: 21 * 24], *history(28, growing, every=600)[21 * 144 :]])
    assert posted.growth is not None
    assert posted.growth.middle == pytest.approx(TIB, rel=0.02)


def test_shrinking_and_standing_still_never_fill_up() -> None:
    assert trend(history(30, lambda day: 50 * TIB - day * TIB)).full_in is None
    flat = trend(history(30, lambda _: 50 * TIB))
    assert flat.growth is not None
    assert (flat.growth.middle, flat.full_in, flat.sure) == (0, None, Sureness.GOOD)


def test_noise_without_growth_is_marked_rough() -> None:
    posted = trend(history(30, lambda day: 50 * TIB + (int(day * 24) * 7919 % 101) * TIB / 10))
    assert posted.sure is Sureness.ROUGH


def test_too_few_samples_are_reported() -> None:
    assert trend([]) == Trend()
    first = trend(history(0.1, growing))
    assert (first.growth, first.full_in, first.sure) == (None, None, Sureness.NONE)
    assert first.since == pytest.approx(NOW - 0.1 * DAY)
    assert trend(history(1, growing)).sure is Sureness.ROUGH
    assert trend(history(7, growing)).sure is Sureness.FAIR


def test_sparsely_sampled_month_is_marked_rough() -> None:
    samples = history(30, growing)
    posted = trend([*samples[:48], *samples[-72:]])
    assert posted.sure is Sureness.ROUGH
    assert posted.gap > 24 * DAY
    assert posted.full_in == pytest.approx(60, rel=0.02)


def test_full_growing_cluster_is_full_now() -> None:
    posted = trend(history(30, lambda day: 70 * TIB + day * TIB))
    assert posted.full_in == pytest.approx(0, abs=0.1)


def test_invalid_samples_are_ignored() -> None:
    junk: list[tuple[float, dict[str, Any]]] = [
        (NOW + 1, {"used": "much", "writable": 1, "total": 1}),
        (NOW + 2, {"used": True, "writable": 1, "total": 1}),
        (NOW + 3, {"used": -1, "writable": 1, "total": 1}),
        (NOW + 4, {"used": 1, "writable": 10**400, "total": 1}),
        (NOW + 5, {"term": 3}),
        (NOW + 6, {"used": float("nan"), "writable": 0, "total": 0}),
        (float("nan"), {"used": 1, "writable": 1, "total": 1}),
    ]
    decoded = [(at, decode_measurement(values)) for at, values in junk]
    assert trend([*decoded, *history(30, growing)]) == trend(history(30, growing))


SIZES = st.integers(0, 2**60)
SAMPLES = st.lists(
    st.tuples(
        st.floats(0, 4e9),
        st.builds(Measurement, used=SIZES, writable=SIZES, total=st.sampled_from([1, 2**50, 2**60])),
    ),
    max_size=80,
)


@given(SAMPLES)
def test_any_samples_give_a_trend_that_holds_together(samples: list[Sample]) -> None:
    """Any samples work; a forecast lies within its bounds and comes with stated growth only."""
    posted = trend(samples)
    assert (posted.growth is None) == (posted.sure is Sureness.NONE)
    if posted.growth is not None:
        assert posted.growth.low <= posted.growth.middle <= posted.growth.high
        assert posted.until - posted.since >= MIN_SPAN
    if posted.full_in is not None:
        assert posted.soonest is not None
        assert posted.soonest <= posted.full_in
        assert posted.latest is None or posted.full_in <= posted.latest


@given(SAMPLES)
def test_sample_order_does_not_matter(samples: list[Sample]) -> None:
    unique = list(dict(samples).items())
    turned = list(reversed(unique))
    assert trend(unique) == trend(turned)


@given(st.integers(0, 10**13), st.floats(1, 100))
def test_any_steady_growth_is_found(a_day: int, days: float) -> None:
    posted = trend(history(days, lambda day: 10 * TIB + day * a_day, total=2**62))
    assert posted.growth is not None
    assert posted.growth.middle == pytest.approx(a_day, rel=0.02, abs=100)


def test_snapshot_without_a_leader_is_not_measured() -> None:
    assert sample_of(dark(100)) is None


@pytest.mark.parametrize(("number", "kept"), [(0, True), (MAX_IDS, True), (MAX_IDS + 1, False)])
def test_ids_of_bad_disks_are_kept_up_to_the_limit(number: int, kept: bool) -> None:
    bad = tuple(Disk(disk_id=n, status=2) for n in range(number))
    found = sample_of(polled(100, bad=bad))
    assert found is not None
    assert found.bad == (tuple(range(number)) if kept else None)

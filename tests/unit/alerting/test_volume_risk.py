"""Risk of volumes: every code mode at every count of lost units, the three counts, and inferred heartbeats."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerting.risk_facts import RiskCaveats, note_of_risks
from bot.alerting.volume_risk import (
    RiskLevel,
    VolumeRisk,
    VolumeRisks,
    affected,
    at_risk,
    infer_expired,
    risks_of,
    together,
    unnamed_units,
    volume_risk,
)
from bot.clustermgr.code_modes import CODE_MODES, CodeMode
from bot.clustermgr.volume_answers import placed
from bot.clustermgr.volume_models import Volume
from bot.clustermgr.volume_survey import PlacedVolume, SuspectDisks, VolumeSurvey, unexplained
from tests.contract.recordings import exchanges

EC3P3, UNKNOWN = 11, 77
DATA = Path(__file__).parents[2] / "contract" / "recorded_data"


def volume(mode_id: int, disks: list[int], *, vid: int = 5, health: int = 0) -> PlacedVolume:
    """A volume whose unit of index n is on the n-th disk."""
    return PlacedVolume(vid, mode_id, health, tuple(disks))


def with_lost(mode: CodeMode, lost: int) -> VolumeRisk:
    disks = list(range(1, mode.units + 1))
    return volume_risk(volume(mode.id, disks), SuspectDisks(bad=frozenset(disks[:lost])))


@pytest.mark.parametrize("mode", CODE_MODES.values(), ids=lambda mode: mode.name)
def test_every_mode_at_every_count_of_lost_units(mode: CodeMode) -> None:
    for lost in range(mode.counted + 1):
        risk = with_lost(mode, lost)
        assert len(risk.lost) == lost
        assert risk.left == mode.tolerated - lost
        if lost == 0:
            assert risk.level is RiskLevel.NONE
        elif lost > mode.tolerated:
            assert risk.level is RiskLevel.LOST
        elif lost == mode.tolerated:
            assert risk.level is RiskLevel.NONE_LEFT
        elif lost == mode.tolerated - 1:
            assert risk.level is RiskLevel.ONE_LEFT
        else:
            assert risk.level is RiskLevel.REDUCED


@pytest.mark.parametrize("mode", [mode for mode in CODE_MODES.values() if mode.local], ids=lambda mode: mode.name)
def test_local_units_use_up_no_parity(mode: CodeMode) -> None:
    disks = list(range(1, mode.units + 1))
    local = SuspectDisks(bad=frozenset(disks[mode.counted :]))
    assert volume_risk(volume(mode.id, disks), local).lost == ()


def test_unknown_mode_is_never_safe() -> None:
    hurt = volume_risk(volume(UNKNOWN, [1, 2, 3]), SuspectDisks(bad=frozenset({2})))
    assert (hurt.mode, hurt.left, hurt.lost, hurt.level) == (None, None, (2,), RiskLevel.UNKNOWN)


def test_counts_are_never_mixed() -> None:
    disks = SuspectDisks(frozenset({1}), frozenset({1, 3, 4}), frozenset({2}), frozenset({5}))
    risk = volume_risk(volume(EC3P3, [1, 2, 3, 4, 5, 6]), disks, frozenset({2, 3}))
    assert (risk.lost, risk.unreachable, risk.moving) == ((1, 2), (3,), (4,))
    assert (risk.left, risk.left_if_unreachable_stay) == (1, 0)


def test_disk_in_an_unknown_state_counts_as_unreachable_never_as_safe() -> None:
    disks = SuspectDisks(bad=frozenset({1}), dropping=frozenset({2}), unknown=frozenset({1, 2, 3}))
    risk = volume_risk(volume(11, [1, 2, 3, 4, 5, 6]), disks)
    assert (risk.lost, risk.unreachable, risk.moving) == ((1,), (2, 3), ())
    assert risk.left_if_unreachable_stay == 0
    assert infer_expired([volume(11, [1, 2, 3, 4, 5, 6], health=-3)], disks) == frozenset()


def test_two_units_on_one_disk_count_twice() -> None:
    risk = volume_risk(volume(EC3P3, [1, 1, 2, 3, 4, 5]), SuspectDisks(bad=frozenset({1})))
    assert (risk.lost, risk.left) == ((1, 1), 1)


def test_worst_volume_comes_first() -> None:
    bad, expired = SuspectDisks(bad=frozenset({1, 2, 3})), frozenset({9})
    risks = [
        volume_risk(volume(EC3P3, [4, 5, 6, 7, 8, 10], vid=1), bad, expired),
        volume_risk(volume(EC3P3, [1, 5, 6, 7, 8, 10], vid=2), bad, expired),
        volume_risk(volume(EC3P3, [1, 2, 3, 7, 8, 10], vid=3), bad, expired),
        volume_risk(volume(EC3P3, [1, 9, 6, 7, 8, 10], vid=4), bad, expired),
    ]
    assert [risk.vid for risk in at_risk(risks)] == [3, 4, 2]
    assert [risk.vid for risk in affected(VolumeRisks(risks), {2})] == [3]
    assert together(risks).levels[RiskLevel.REDUCED] == 2


def test_volume_that_cannot_be_read_is_counted_as_such_alone() -> None:
    mode = CODE_MODES[EC3P3]
    risks = [
        VolumeRisk(1, EC3P3, mode, unreachable=(1, 2, 3), unnamed=1),
        VolumeRisk(2, EC3P3, mode, lost=(1, 2), unreachable=(3, 4)),
        VolumeRisk(3, EC3P3, mode, lost=(1, 2, 3), unreachable=(4,)),
        VolumeRisk(4, EC3P3, mode, unreachable=(1,)),
    ]
    note = note_of_risks(risks, RiskCaveats())
    assert (note.none_left, note.unreadable, note.one_left, note.unreachable) == (1, 2, 0, 1)
    assert note.volumes == len(risks)
    assert [risk.vid for risk in VolumeRisks(risks).missing_too_many] == [1, 2, 3]


LISTS = st.lists(st.integers(1, 12), min_size=6, max_size=6)
SETS = st.frozensets(st.integers(1, 12))


@given(st.sampled_from(sorted(CODE_MODES)), LISTS, SETS, SETS, SETS, st.integers(1, 12))
def test_another_lost_disk_never_makes_a_volume_safer(
    mode: int, disks: list[int], lost: frozenset[int], away: frozenset[int], moving: frozenset[int], more: int
) -> None:
    before = volume_risk(volume(mode, disks), SuspectDisks(lost, moving), away)
    after = volume_risk(volume(mode, disks), SuspectDisks(lost | {more}, moving), away)
    assert before.left is not None
    assert after.left is not None
    assert after.left <= before.left
    assert after.level >= before.level
    assert after.left_if_unreachable_stay is not None
    assert before.left_if_unreachable_stay is not None
    assert after.left_if_unreachable_stay <= before.left_if_unreachable_stay


@given(st.lists(LISTS, min_size=1, max_size=12), SETS, SETS, SETS)
def test_only_disks_without_heartbeat_are_inferred(
    placed: list[list[int]], expired: frozenset[int], lost: frozenset[int], moving: frozenset[int]
) -> None:
    """With scores as servers give them and no compaction, each inferred disk has really lost its heartbeat."""
    known = SuspectDisks(bad=lost, dropping=moving)
    unwritable = expired | lost | moving
    volumes = [
        volume(EC3P3, disks, vid=vid, health=-sum(disk in unwritable for disk in disks))
        for vid, disks in enumerate(placed, 1)
    ]
    assert infer_expired(volumes, known) <= expired - lost - moving


@given(st.lists(LISTS, min_size=1, max_size=12), SETS, SETS, SETS)
def test_only_disks_without_heartbeat_are_inferred_by_their_number(
    placed: list[list[int]], expired: frozenset[int], lost: frozenset[int], moving: frozenset[int]
) -> None:
    known, unwritable, away = SuspectDisks(bad=lost, dropping=moving), expired | lost | moving, expired - lost - moving
    volumes = [
        volume(EC3P3, disks, vid=vid, health=-sum(disk in unwritable for disk in disks))
        for vid, disks in enumerate(placed, 1)
    ]
    named = infer_expired(volumes, known, at_most=len(away))
    assert infer_expired(volumes, known) <= named <= away


HOSTS = st.lists(st.permutations(range(1, 13)), min_size=1, max_size=30)


@given(HOSTS, st.integers(0, 2))
def test_disks_of_a_whole_host_are_inferred_only_if_they_have_lost_their_heartbeat(
    orders: list[list[int]], host: int
) -> None:
    """Three hosts of four disks, and volumes of six units on any of them."""
    away = frozenset(range(4 * host + 1, 4 * host + 5))
    volumes = [
        volume(EC3P3, order[:6], vid=vid, health=-len(away.intersection(order[:6])))
        for vid, order in enumerate(orders, 1)
    ]
    assert infer_expired(volumes, SuspectDisks(), at_most=4) <= away


def test_whole_host_is_inferred_although_each_volume_has_a_unit_on_it() -> None:
    """Two volumes miss as many units as disks have lost their heartbeat, so that each has all of these disks."""
    placed = [[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 7, 8], [1, 5, 6, 7, 8, 9], [2, 5, 6, 7, 8, 10]]
    volumes = [
        volume(EC3P3, disks, vid=vid, health=-len({1, 2, 3, 4}.intersection(disks)))
        for vid, disks in enumerate(placed, 1)
    ]
    assert infer_expired(volumes, SuspectDisks()) == frozenset()
    assert infer_expired(volumes, SuspectDisks(), at_most=4) == {1, 2, 3, 4}


def test_compacting_unit_alone_is_no_lost_heartbeat() -> None:
    """A compaction takes one point of a volume; the other volumes of its disks are whole, so no disk is inferred."""
    compacting = volume(EC3P3, [1, 2, 3, 4, 5, 6], vid=1, health=-1)
    whole = [volume(EC3P3, [1, 2, 3, 4, 5, 6], vid=2), volume(EC3P3, [1, 2, 3, 7, 8, 9], vid=3)]
    assert infer_expired([compacting, *whole], SuspectDisks()) == frozenset()
    assert unexplained(compacting, SuspectDisks()) == 1


@pytest.mark.parametrize("release", ["v1-2022-03", "v3.5.3", "master-2025-12"])
def test_recorded_volume_is_hurt_by_the_recorded_broken_disk(release: str) -> None:
    stored = {each.note: each for each in exchanges(DATA / release / "data_break_one.json")}
    after = placed(Volume.model_validate_json(stored["health of the volume at once"].answer), 0.0)
    broken = SuspectDisks(bad=frozenset({json.loads(stored["disk 2 broken"].body)["disk_id"]}))
    risk = volume_risk(after, broken)
    assert risk.mode is not None
    assert (risk.mode.name, risk.lost, risk.left) == ("EC6P3", (2,), 2)
    assert unexplained(after, broken) == 0
    assert unexplained(after, SuspectDisks()) == 1


@pytest.mark.parametrize(("expired", "unnamed"), [(0, 0), (1, 1), (4, 4), (9, 4)])
def test_units_on_disks_that_cannot_be_named_count_as_unreachable(expired: int, unnamed: int) -> None:
    """Every disk could be one of those away; a compaction explains nothing while no disk is away."""
    survey = VolumeSurvey(SuspectDisks(), {5: PlacedVolume(5, EC3P3, -4, (1, 2, 3, 4, 5, 6))}, {}, read_at=1.0)
    risks = risks_of(survey, expired)
    assert [(risk.unreachable, risk.unnamed, risk.level) for risk in risks] == [((), unnamed, RiskLevel.NONE)]
    assert [risk.vid for risk in risks.missing_too_many] == ([5] if unnamed == 4 else [])


def test_disk_with_a_healthy_volume_is_never_inferred() -> None:
    volume = PlacedVolume(5, EC3P3, -1, (1, 2, 3, 4, 5, 6))
    assert infer_expired([volume], SuspectDisks()) == frozenset()
    assert infer_expired([volume], SuspectDisks(), frozenset({1, 2, 3, 4, 5})) == {6}


def test_local_units_and_sound_disks_are_no_unnamed_units() -> None:
    """EC4P4L2 on the disks 1 to 10: the units on 9 and 10 are local parity."""
    away = PlacedVolume(5, 8, -3, tuple(range(1, 11)))
    assert unnamed_units(away, SuspectDisks(), frozenset()) == 3
    assert unnamed_units(away, SuspectDisks(), frozenset(), frozenset(range(1, 8))) == 1
    assert unnamed_units(away, SuspectDisks(), frozenset(), frozenset(range(1, 9))) == 0
    assert unnamed_units(away, SuspectDisks(), frozenset({9, 10})) == 1
    assert unnamed_units(away, SuspectDisks(bad=frozenset({9, 10})), frozenset()) == 1
    assert unnamed_units(replace(away, code_mode=UNKNOWN), SuspectDisks(), frozenset(), frozenset(range(1, 9))) == 2

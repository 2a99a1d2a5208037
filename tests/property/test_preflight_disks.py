"""Random clusters: what the preflight lets pass loses no data, and what is not known never passes as safe."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.alerting.volume_risk import volume_risk
from bot.clustermgr.code_modes import CODE_MODES
from bot.clustermgr.disk_facts import DiskFacts, DiskLimits
from bot.clustermgr.models import Disk, DiskStatus
from bot.clustermgr.tasks import Dialect, meaning_of
from bot.clustermgr.volume_survey import PlacedVolume
from bot.operations.preflight.check import preflight
from bot.operations.preflight.context import PreflightContext
from bot.operations.preflight.facts.disks import UnitsWithoutPlace
from bot.operations.preflight.verdict import PreflightResult, changes_a_check
from bot.operations.requests import DiskAccess, DiskBroken, DiskOffline, DisksOffline, Request
from bot.views.preflight_text.table import check_text
from tests.docgen.cluster_fixture import Scene
from tests.docgen.disk_fixture import DiskScene
from tests.support.budget import examples

STEADY = settings(deadline=None, max_examples=examples(150))
DISKS = tuple(range(1, 13))
TARGET = 7
OFFLINE, BROKEN = DiskOffline(TARGET), DiskBroken(TARGET)
ACCESS = (DiskAccess(TARGET, readonly=True), DiskAccess(TARGET, readonly=False))
MODES = tuple(mode for mode in CODE_MODES.values() if mode.units <= len(DISKS))
WIDE = DiskLimits(99, 99, 0)


@st.composite
def volumes(draw: st.DrawFn) -> dict[int, tuple[int, ...]]:
    """Volumes of six to ten units, most of them on the disk that is changed."""
    found = {}
    for vid in range(1, draw(st.integers(1, 5)) + 1):
        others = draw(st.permutations([disk for disk in DISKS if disk != TARGET]))
        disks = [TARGET, *others] if draw(st.integers(0, 9)) else [*others]
        found[vid] = tuple(draw(st.permutations(disks[:10])))
    return found


@st.composite
def scenes(draw: st.DrawFn) -> DiskScene:
    """A cluster with disks in any state, volumes of one code mode, and any part that was not read."""
    mode = draw(st.sampled_from(MODES))
    placed = {vid: disks[: mode.units] for vid, disks in draw(volumes()).items()}
    others = [disk for disk in DISKS if disk != TARGET]
    states = draw(st.dictionaries(st.sampled_from(others), st.sampled_from((1, 2, 3, 4, 5, 9)), max_size=5))
    return DiskScene(
        states=states,
        readonly=draw(st.frozensets(st.sampled_from(DISKS), max_size=3)),
        dropping=draw(st.frozensets(st.sampled_from(others), max_size=2)),
        volumes=placed,
        mode=mode.id,
        health=draw(st.dictionaries(st.sampled_from(sorted(placed)), st.integers(-4, 0), max_size=2)),
        expired={"z0": draw(st.integers(0, 2))},
        limits=WIDE,
    )


def verdict(request: Request, facts: DiskFacts) -> PreflightResult:
    return preflight(request, *Scene().snapshots(), facts=PreflightContext(disks=facts))


def lost(facts: DiskFacts) -> dict[int, int]:
    """Lost units of each volume, counted once more: on disks that are neither normal nor known, by the code mode."""
    states = {disk.disk_id: disk.status for disk in facts.disks or ()}
    return {
        vid: sum(states.get(disk) != DiskStatus.NORMAL for disk in volume.disks[: CODE_MODES[volume.code_mode].counted])
        for vid, volume in facts.volumes.items()
    }


def with_disk(facts: DiskFacts, **changes: Any) -> DiskFacts:
    disks = tuple(replace(disk, **changes) if disk.disk_id == TARGET else disk for disk in facts.disks or ())
    return replace(facts, disks=disks)


def moved(facts: DiskFacts, vids: Iterable[int]) -> DiskFacts:
    """The cluster after the units of these volumes moved to a good disk of the zone that holds none of theirs."""
    good = [disk for disk in facts.disks or () if _is_good(disk, facts)]
    placed = dict(facts.volumes)
    for vid in vids:
        volume = placed[vid]
        free = [disk.disk_id for disk in good if disk.disk_id not in volume.disks]
        if TARGET in volume.disks and free:
            placed[vid] = replace(volume, disks=tuple(free[0] if disk == TARGET else disk for disk in volume.disks))
    return replace(facts, volumes=placed)


def _is_good(disk: Disk, facts: DiskFacts) -> bool:
    dropping = facts.dropping or frozenset()
    return disk.status == DiskStatus.NORMAL and not disk.readonly and disk.disk_id not in {TARGET, *dropping}


@STEADY
@given(scenes(), st.data())
def test_offline_loses_no_unit_in_any_intermediate_state(scene: DiskScene, data: st.DataObject) -> None:
    facts = scene.facts()
    before, result = lost(facts), verdict(OFFLINE, facts)
    assume(not result.blocked)
    readonly = with_disk(facts, readonly=True)
    dropping = replace(readonly, dropping=(facts.dropping or frozenset()) | {TARGET})
    partly = moved(dropping, data.draw(st.sets(st.sampled_from(sorted(facts.volumes)))) if facts.volumes else ())
    emptied = with_disk(moved(partly, facts.volumes), status=DiskStatus.DROPPED)
    for after in (readonly, dropping, partly, emptied):
        assert all(units <= before[vid] for vid, units in lost(after).items())


@st.composite
def series(draw: st.DrawFn) -> DiskFacts:
    """Several disks that go, in two zones, with disks in any state; some have no free chunk, some go at their turn."""
    mode = draw(st.sampled_from(MODES))
    targets = tuple(draw(st.lists(st.sampled_from(DISKS), min_size=2, max_size=8, unique=True)))
    others = [disk for disk in DISKS if disk not in targets]
    zones = draw(st.sampled_from((("z0",), ("z0", "z1"))))
    scene = DiskScene(
        states=draw(st.dictionaries(st.sampled_from(others), st.sampled_from((2, 3, 4, 5, 9)), max_size=2)),
        readonly=draw(st.frozensets(st.sampled_from(DISKS), max_size=2)),
        dropping=draw(st.frozensets(st.sampled_from(others), max_size=2)),
        volumes={vid: tuple(draw(st.permutations(DISKS))[: mode.units]) for vid in range(1, draw(st.integers(2, 4)))},
        mode=mode.id,
        limits=DiskLimits(99, 99, 0),
        targets=targets,
        later=targets[draw(st.integers(1, len(targets))) :],
    )
    full = draw(st.frozensets(st.sampled_from(DISKS), max_size=1))
    facts = scene.facts()
    disks = tuple(
        replace(
            disk,
            idc=zones[disk.disk_id % len(zones)],
            free_chunk_cnt=0 if disk.disk_id in full else disk.free_chunk_cnt,
        )
        for disk in facts.disks or ()
    )
    return replace(facts, disks=disks)


def placed(volume: PlacedVolume, facts: DiskFacts) -> bool:
    """True if each unit that moves, in the zones of the disks that go, gets a good disk of its zone for itself."""
    zones = {disk.disk_id: disk.idc for disk in facts.disks or ()}
    out = {*facts.targets, *(facts.dropping or ())}
    moving = out | {disk.disk_id for disk in facts.disks or () if disk.status in {2, 3}}
    good = [disk for disk in facts.disks or () if disk.status == 1 and not disk.readonly and disk.disk_id not in out]
    now = set(volume.disks)
    own = {zones[disk] for disk in facts.targets if disk in now}
    for unit in volume.disks:
        if unit not in moving or zones[unit] not in own:
            continue
        takes = (d.disk_id for d in good if d.idc == zones[unit] and d.free_chunk_cnt and d.disk_id not in now)
        taken = next(takes, None)
        if taken is None:
            return False
        now.add(taken)
    return True


@STEADY
@given(series())
def test_units_of_several_disks_that_go_have_a_place_or_are_refused(facts: DiskFacts) -> None:
    result = verdict(DisksOffline(facts.targets), facts)
    assert result.check("room") is not None
    stuck = [vid for vid, volume in sorted(facts.volumes.items()) if not placed(volume, facts)]
    check = result.check("place")
    assert (check is None) == (not stuck)
    if check is not None:
        assert result.blocked
        assert check.fact == UnitsWithoutPlace(len(stuck), tuple(stuck))


@STEADY
@given(scenes(), st.sampled_from(ACCESS))
def test_readonly_and_writable_change_no_lost_count(scene: DiskScene, request: DiskAccess) -> None:
    facts = scene.facts()
    after = with_disk(facts, readonly=request.readonly)
    assert lost(after) == lost(facts)
    for vid, volume in facts.volumes.items():
        assert len(volume_risk(volume, after.suspects).lost) == lost(facts)[vid]


@STEADY
@given(scenes())
def test_broken_never_passes_where_a_volume_ends_without_a_margin(scene: DiskScene) -> None:
    facts = scene.facts()
    result = verdict(BROKEN, facts)
    after = lost(with_disk(facts, status=DiskStatus.BROKEN))
    left = [CODE_MODES[scene.mode].tolerated - units for units in after.values()]
    if any(margin <= 0 for margin in left):
        assert result.blocked
    if any(margin < 0 for margin in left):
        assert result.forced().blocked


@STEADY
@given(scenes())
def test_offline_never_passes_where_a_volume_has_no_margin(scene: DiskScene) -> None:
    facts = scene.facts()
    if any(CODE_MODES[scene.mode].tolerated <= units for units in lost(facts).values()):
        assert verdict(OFFLINE, facts).blocked


@STEADY
@given(
    scenes(),
    st.sampled_from((OFFLINE, BROKEN)),
    st.sampled_from(("list", "dropping", "units", "volume", "mode", "stranger", "state")),
)
def test_unknown_never_passes_as_safe(scene: DiskScene, request: Request, unknown: str) -> None:
    assume(any(TARGET in disks for disks in scene.volumes.values()))
    facts = scene.facts()
    vid, volume = next(iter(facts.volumes.items()))
    others = {each: found for each, found in facts.volumes.items() if each != vid}
    changed = {
        "list": replace(facts, disks=None),
        "dropping": replace(facts, dropping=None),
        "units": replace(facts, units={}),
        "volume": replace(facts, volumes=others, unread=(vid,)),
        "mode": replace(facts, volumes=others | {vid: replace(volume, code_mode=250)}),
        "stranger": replace(facts, volumes=others | {vid: replace(volume, disks=(*volume.disks[:-1], 77))}),
        "state": with_disk(facts, status=9),
    }[unknown]
    assert verdict(request, changed).blocked


@STEADY
@given(scenes())
def test_worse_disks_never_lift_a_block_of_a_drop(scene: DiskScene) -> None:
    facts = scene.facts()
    before = verdict(OFFLINE, facts).check("volumes")
    worse = replace(
        facts,
        disks=tuple(
            replace(disk, status=2) if disk.disk_id != TARGET and disk.status == 1 else disk
            for disk in facts.disks or ()
        ),
    )
    after = verdict(OFFLINE, worse).check("volumes")
    assert before is None or after is None or before.level.rank <= after.level.rank


@STEADY
@given(scenes(), st.sampled_from((OFFLINE, BROKEN, *ACCESS)))
def test_verdict_is_the_same_on_the_same_facts_and_has_words(scene: DiskScene, request: Request) -> None:
    facts = scene.facts()
    first, second = verdict(request, facts), verdict(request, facts)
    assert first == second
    assert not changes_a_check(first, second)
    assert len({check.key for check in first.checks}) == len(first.checks)
    assert all(check_text(check).sentence for check in first.checks)


WILD_DISKS = st.builds(
    Disk,
    disk_id=st.integers(0, 9),
    status=st.integers(0, 9),
    idc=st.text(max_size=4),
    host=st.text(max_size=9),
    readonly=st.booleans(),
    used=st.integers(-(1 << 62), 1 << 62),
    free=st.integers(-(1 << 62), 1 << 62),
    free_chunk_cnt=st.integers(-(1 << 62), 1 << 62),
    used_chunk_cnt=st.integers(-(1 << 62), 1 << 62),
)
WILD_VOLUMES = st.builds(
    PlacedVolume,
    vid=st.integers(0, 5),
    code_mode=st.integers(0, 255),
    health_score=st.integers(-(1 << 62), 1 << 62),
    disks=st.lists(st.integers(0, 9), max_size=12).map(tuple),
)
WILD = st.builds(
    DiskFacts,
    disks=st.one_of(st.none(), st.lists(WILD_DISKS, max_size=6).map(tuple)),
    dropping=st.one_of(st.none(), st.frozensets(st.integers(0, 9), max_size=3)),
    units=st.dictionaries(
        st.integers(0, 9), st.lists(st.integers(0, (1 << 64) - 1), max_size=4).map(tuple), max_size=3
    ),
    volumes=st.lists(WILD_VOLUMES, max_size=5).map(lambda found: {volume.vid: volume for volume in found}),
    unread=st.lists(st.integers(0, 5), max_size=2).map(tuple),
    expired=st.one_of(st.none(), st.dictionaries(st.text(max_size=4), st.integers(0, 1 << 62), max_size=2)),
    dialect=st.sampled_from((None, Dialect.V1, Dialect.V3)),
    switches=st.dictionaries(
        st.sampled_from(("disk_drop", "disk_repair", "shard_repair")),
        st.sampled_from((None, "true", "Enable", "x")).map(lambda raw: meaning_of(raw, Dialect.V3)),
        max_size=3,
    ),
)


@STEADY
@given(WILD, st.sampled_from((DiskOffline(3), DiskBroken(3), DiskAccess(3, readonly=True))))
def test_answers_that_no_server_sends_end_in_a_verdict_with_words(facts: DiskFacts, request: Request) -> None:
    result = verdict(request, facts)
    assert all(check_text(check).sentence for check in result.checks)
    missing = 3 not in {disk.disk_id for disk in facts.disks or ()}
    assert result.blocked or not missing

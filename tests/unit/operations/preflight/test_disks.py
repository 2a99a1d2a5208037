"""Checks of disks: what voids an approval, what does not, and the arithmetic in words."""

import json
from dataclasses import replace

import pytest

from bot.clustermgr.disk_facts import DiskFacts, DiskLimits
from bot.clustermgr.models import DiskStatus
from bot.clustermgr.volume_survey import StaleReads, SuspectDisks, VolumeSurvey
from bot.operations.check_codec import decode_check, encode_check
from bot.operations.codec import decode_verdict, encode_verdict
from bot.operations.model import OpState
from bot.operations.preflight.check import PreflightResult, preflight
from bot.operations.preflight.context import OpenOperation, PreflightContext
from bot.operations.preflight.disk_margins import MAX_VIDS
from bot.operations.preflight.facts.disks import HeartbeatsLost, RoomInZones, UnitsWithoutPlace, VolumeMargins
from bot.operations.preflight.verdict import CheckLevel, changes_a_check, warn
from bot.operations.requests import DiskAccess, DiskBroken, DiskOffline, DisksOffline, NodeOffline, Request
from bot.views.preflight_text.changes import difference
from bot.views.preflight_text.table import check_text
from tests.docgen.cluster_fixture import Scene
from tests.docgen.disk_fixture import DiskScene

OFFLINE, BROKEN = DiskOffline(7), DiskBroken(7)
NODE = NodeOffline("10.0.1.2:8889")
WIDE = DiskLimits(9, 9)


def checked(request: Request, disks: DiskFacts) -> PreflightResult:
    return preflight(request, *Scene().snapshots(), facts=PreflightContext(disks=disks))


def sentence(verdict: PreflightResult, key: str) -> str:
    check = verdict.check(key)
    assert check is not None
    return check_text(check).sentence


def test_approval_of_an_offline_disk_survives_units_that_move_away() -> None:
    before = checked(OFFLINE, DiskScene().facts())
    after = checked(OFFLINE, DiskScene(volumes={2: (3, 4, 6, 7, 11, 12)}).facts())
    assert not changes_a_check(before, after)
    assert not after.blocked


def test_approval_of_an_offline_disk_survives_its_own_first_step() -> None:
    before = checked(OFFLINE, DiskScene().facts())
    after = checked(OFFLINE, DiskScene(readonly=frozenset({7})).facts())
    assert not changes_a_check(before, after)
    assert difference(before.fingerprint, after.fingerprint) == ("disk #7: normal → normal and read-only",)


@pytest.mark.parametrize(
    ("request_", "scene"),
    [
        (OFFLINE, DiskScene(dropping=frozenset({7}))),
        (OFFLINE, DiskScene(states={7: DiskStatus.BROKEN})),
        (OFFLINE, DiskScene(states={1: DiskStatus.BROKEN, 2: DiskStatus.BROKEN}, limits=WIDE)),
        (OFFLINE, DiskScene(free=0)),
        (OFFLINE, DiskScene(services=())),
        (BROKEN, DiskScene(readonly=frozenset({7}))),
        (BROKEN, DiskScene(states={1: DiskStatus.BROKEN}, limits=WIDE)),
        (DiskAccess(7, readonly=True), DiskScene(readonly=frozenset({7}))),
    ],
)
def test_approval_is_void_once_the_situation_of_the_disk_changed(request_: Request, scene: DiskScene) -> None:
    before, after = checked(request_, DiskScene(limits=WIDE).facts()), checked(request_, scene.facts())
    assert changes_a_check(before, after)


def beside(request: Request, state: OpState, scene: DiskScene, own: Request = BROKEN) -> PreflightResult:
    disk = getattr(request, "disk_id", 0)
    op = OpenOperation(5, request.kind, state, disks=(disk,))
    return preflight(own, *Scene().snapshots(), facts=PreflightContext(operations=(op,), disks=scene.facts()))


@pytest.mark.parametrize("state", [OpState.RUNNING, OpState.UNKNOWN])
def test_disk_that_another_operation_declares_broken_counts_as_broken(state: OpState) -> None:
    scene = DiskScene(volumes={1: (1, 2, 5, 7, 9, 10)}, states={2: DiskStatus.BROKEN}, limits=WIDE)
    assert "1 volume 2 → 1" in sentence(checked(BROKEN, scene.facts()), "volumes")
    text = sentence(beside(DiskBroken(1), state, scene), "volumes")
    assert "1 volume 1 → 0" in text
    assert text.endswith("Disk #1 counts as broken because of operation #5, which is not over.")


@pytest.mark.parametrize("state", [OpState.RUNNING, OpState.UNKNOWN])
@pytest.mark.parametrize("other", [DiskBroken(8), DiskOffline(8)])
def test_disk_of_another_operation_counts_for_the_limits(other: Request, state: OpState) -> None:
    verdict = beside(other, state, DiskScene(), OFFLINE)
    assert [check.key for check in verdict.of_level(CheckLevel.BLOCK)] == ["limits"]
    assert "may have 1, and disk #8 is in operation #5, which is not over" in sentence(verdict, "limits")


@pytest.mark.parametrize("other", [DiskBroken(8), DiskOffline(8)])
def test_disk_of_a_waiting_operation_does_not_count(other: Request) -> None:
    assert beside(other, OpState.WAITING, DiskScene(), OFFLINE).checks == checked(OFFLINE, DiskScene().facts()).checks


def test_disk_that_shows_its_drop_counts_once() -> None:
    scene = DiskScene(dropping=frozenset({8}), limits=DiskLimits(2, 2))
    verdict = beside(DiskOffline(8), OpState.RUNNING, scene, OFFLINE)
    assert "1 of 2 in host" in sentence(verdict, "limits")


def test_break_glass_declares_a_disk_broken_in_a_full_zone() -> None:
    scene = DiskScene(free=0).facts()
    assert checked(BROKEN, scene).forceable
    assert not checked(BROKEN, scene).forced().blocked
    assert checked(OFFLINE, scene).forced().blocked


@pytest.mark.parametrize(("scene", "key"), [(DiskScene(services=None), "scheduler"), (DiskScene(switches={}), "task")])
def test_drop_needs_break_glass_while_the_work_after_it_is_not_known(scene: DiskScene, key: str) -> None:
    verdict = checked(OFFLINE, scene.facts())
    assert [check.key for check in verdict.of_level(CheckLevel.BLOCK)] == [key]
    assert verdict.forceable
    assert not checked(BROKEN, scene.facts()).blocked


def test_broken_names_each_margin_before_and_after() -> None:
    volumes = dict.fromkeys(range(1, 40), (1, 2, 5, 7, 9, 10)) | {99: (3, 4, 6, 7, 11, 12)}
    verdict = checked(BROKEN, DiskScene(states={1: DiskStatus.BROKEN}, volumes=volumes, limits=WIDE).facts())
    text = sentence(verdict, "volumes")
    assert text.startswith("Disk #7 has 40 units of 40 volumes.")
    assert "39 volumes 2 → 1; 1 volume 3 → 2" in text
    assert "volume #1 (EC3P3): 1 lost (disk #1); 2 → 1" in text
    assert text.endswith("36 more.")


def test_broken_margins_are_stored_within_a_bound() -> None:
    volumes = dict.fromkeys(range(1, 5001), (1, 2, 5, 7, 9, 10))
    verdict = checked(BROKEN, DiskScene(volumes=volumes).facts())
    check = verdict.check("volumes")
    assert check is not None
    assert isinstance(check.fact, VolumeMargins)
    assert check.fact.volumes == 5000
    assert sum(len(group.vids) for group in check.fact.groups) == MAX_VIDS
    assert len(json.dumps(encode_check(check, check_text))) < 12 * MAX_VIDS


def test_margins_of_many_volumes_store_the_smallest_first() -> None:
    safe = dict.fromkeys(range(1, MAX_VIDS + 1), (2, 3, 4, 6, 7, 8))
    volumes = safe | dict.fromkeys(range(9001, 9004), (1, 2, 5, 7, 9, 10))
    verdict = checked(BROKEN, DiskScene(states={1: DiskStatus.BROKEN}, volumes=volumes, limits=WIDE).facts())
    check = verdict.check("volumes")
    assert check is not None
    assert isinstance(check.fact, VolumeMargins)
    assert check.fact.groups[0].vids == (9001, 9002, 9003)
    assert len(check.fact.groups[1].vids) == MAX_VIDS - 3
    assert decode_check(encode_check(check, check_text)) == check


def test_broken_local_parity_unit_takes_nothing_from_the_margin() -> None:
    # EC4P4L2: the units 8 and 9 are local ones, and do not count.
    scene = DiskScene(mode=8, volumes={1: (1, 2, 3, 4, 5, 6, 8, 9, 7, 10)})
    check = checked(BROKEN, scene.facts()).check("volumes")
    assert check is not None
    assert isinstance(check.fact, VolumeMargins)
    assert [(group.before, group.after) for group in check.fact.groups] == [(4, 4)]


@pytest.mark.parametrize(("sound", "level"), [((), CheckLevel.BLOCK), ((9, 10, 11), CheckLevel.PASS)])
def test_units_on_silent_disks_that_cannot_be_named_count_as_unreachable(
    sound: tuple[int, ...], level: CheckLevel
) -> None:
    """Three of six disks cannot be written. Where three others are sound, they can be named."""
    facts = DiskScene(volumes={1: (1, 2, 7, 9, 10, 11)}, expired={"z0": 3}, limits=WIDE).facts()
    facts = replace(facts, volumes={1: replace(facts.volumes[1], health_score=-3)}, sound=frozenset(sound))
    check = checked(BROKEN, facts).check("volumes")
    assert check is not None
    assert check.level is level


def test_disk_that_the_watch_names_as_silent_is_named_in_the_margin() -> None:
    facts = DiskScene(volumes={1: (1, 2, 7, 9, 10, 11)}, expired={"z0": 1}, limits=WIDE).facts()
    away = replace(facts.volumes[1], health_score=-1)
    facts = replace(facts, volumes={1: away})
    well = replace(away, vid=2, disks=(1, 2, 7, 9, 10, 12), health_score=0)
    survey = VolumeSurvey(SuspectDisks(), {1: away, 2: well}, {})
    stale = replace(survey, stale=StaleReads(since=1.0), memo={})
    for names, unreachable in ((None, ()), (survey, (11,)), (stale, ())):
        known = replace(facts, survey=names)
        check = checked(BROKEN, known).check("volumes")
        assert check is not None
        assert isinstance(check.fact, VolumeMargins)
        assert check.fact.worst[0].unreachable == unreachable


def test_zone_without_named_silent_disks_leaves_out_the_fullest_free_ones() -> None:
    scene = DiskScene(free=1, expired={"z0": 9})
    check = checked(OFFLINE, scene.facts()).check("room")
    assert check is not None
    assert isinstance(check.fact, RoomInZones)
    (room,) = check.fact.zones
    assert (room.free, room.sure, room.silent) == (11, 2, 9)
    assert (check.level, check.forceable) == (CheckLevel.BLOCK, True)


def test_unread_units_are_counted_by_the_chunks_of_the_disk() -> None:
    check = checked(OFFLINE, DiskScene(units_unread=True, free=1).facts()).check("room")
    assert check is not None
    assert "20 to move" in check_text(check).sentence
    assert not check.forceable


def test_other_zone_gives_no_room() -> None:
    facts = DiskScene(free=0).facts()
    assert facts.disks is not None
    other = replace(facts.disks[0], disk_id=50, idc="z1", free_chunk_cnt=999)
    abroad = replace(facts, disks=(*facts.disks, other))
    assert checked(OFFLINE, abroad).check("room") == checked(OFFLINE, facts).check("room")


def test_host_limit_compares_addresses_and_not_their_spelling() -> None:
    facts = DiskScene(dropping=frozenset({5}), readonly=frozenset({5})).facts()
    assert facts.disks is not None
    spelt = tuple(replace(disk, host="HTTP://10.0.1.2:8889/") if disk.disk_id == 5 else disk for disk in facts.disks)
    check = checked(OFFLINE, replace(facts, disks=spelt)).check("limits")
    assert check is not None
    assert check.level is CheckLevel.BLOCK


def test_forced_preflight_never_lifts_lost_data() -> None:
    scene = DiskScene(states={1: DiskStatus.BROKEN, 2: DiskStatus.BROKEN, 5: DiskStatus.BROKEN}, limits=WIDE)
    assert checked(BROKEN, scene.facts()).forced().blocked
    assert not checked(OFFLINE, scene.facts()).forced().blocked


def test_verdict_on_disks_comes_back_from_its_stored_form() -> None:
    verdict = checked(BROKEN, DiskScene(states={1: DiskStatus.BROKEN}, limits=WIDE).facts())
    stored = json.loads(json.dumps(encode_verdict(verdict, check_text)))
    assert decode_verdict(stored) == verdict


def test_answers_that_no_server_sends_end_in_a_verdict() -> None:
    facts = DiskScene().facts()
    assert facts.disks is not None
    odd = tuple(
        replace(disk, idc="<!channel>" * 50, host="", free_chunk_cnt=-5, used=-1, free=-1) for disk in facts.disks
    )
    verdict = checked(OFFLINE, replace(facts, disks=odd, limits=DiskLimits(0, 0, 0)))
    assert verdict.blocked
    assert all(len(check_text(check).sentence) < 1000 for check in verdict.checks)


def words(request: Request, facts: DiskFacts, key: str) -> str:
    check = checked(request, facts).check(key)
    assert check is not None
    return check_text(check).sentence


def test_full_zone_is_said_to_have_no_free_chunk() -> None:
    assert "no free chunk" in words(OFFLINE, DiskScene(free=0).facts(), "place")


ALL_IN_ONE_ZONE = {1: (5, 6, 7, 8, 9, 10), 2: (1, 2, 3, 4, 9, 10)}


@pytest.mark.parametrize(
    ("request_", "scene", "stuck"),
    [
        # Five good disks are left for six units: four units move, and three disks have none.
        (NODE, DiskScene(targets=(5, 6, 7, 8), readonly=frozenset({1, 2, 3})), (1,)),
        (NODE, DiskScene(targets=(5, 6, 7, 8), readonly=frozenset({1, 2})), ()),
        (NODE, DiskScene(targets=(5, 6, 7, 8), later=(7, 8), readonly=frozenset({1, 2, 3})), (1,)),
        (DisksOffline((1, 2, 3, 4, 7)), DiskScene(targets=(1, 2, 3, 4, 7), readonly=frozenset({5, 11})), (2,)),
        # A unit on a disk that is broken or dropped already needs a disk too.
        (OFFLINE, DiskScene(states={5: DiskStatus.BROKEN}, readonly=frozenset({1, 2, 3, 4, 11})), (1,)),
        (OFFLINE, DiskScene(dropping=frozenset({5}), readonly=frozenset({1, 2, 3, 4, 11})), (1,)),
        (OFFLINE, DiskScene(readonly=frozenset({1, 2, 3, 4, 11})), ()),
    ],
)
def test_each_unit_that_moves_needs_its_own_disk(request_: Request, scene: DiskScene, stuck: tuple[int, ...]) -> None:
    verdict = checked(request_, replace(scene, volumes=ALL_IN_ONE_ZONE, limits=WIDE).facts())
    check = verdict.check("place")
    assert (check.fact if check else None) == (UnitsWithoutPlace(len(stuck), stuck) if stuck else None)
    assert check is None or (verdict.blocked and check.level is CheckLevel.BLOCK and check.forceable)


def test_reason_of_lacking_space_comes_first() -> None:
    assert words(OFFLINE, DiskScene(free_bytes=1 << 20).facts(), "room").startswith("Zone z0 has too little space: ")
    assert words(OFFLINE, DiskScene(free=0).facts(), "room").startswith("Zone z0 has fewer free chunks than must move.")


@pytest.mark.parametrize("readonly", [True, False])
def test_units_of_a_disk_whose_access_changes_do_not_move(readonly: bool) -> None:
    facts = DiskScene(readonly=frozenset() if readonly else frozenset({7})).facts()
    text = words(DiskAccess(7, readonly=readonly), facts, "volumes")
    assert "none of them moves" in text
    assert "while they move" not in text


@pytest.mark.parametrize(
    ("inferred", "named"),
    [((), "no call names them. Units there"), ((7, 8), "disks #7 and #8. 2 more disks cannot be named. Units there")],
)
def test_heartbeats_that_are_lost_say_what_the_margins_count(inferred: tuple[int, ...], named: str) -> None:
    """Units on disks that cannot be named are counted too, where the health of their volume shows them."""
    text = check_text(warn("heartbeats", HeartbeatsLost(4, inferred))).sentence
    assert named in text
    assert "counted as unreachable if the health of their volume shows" in text
    assert "counts lost units only" in text
    assert "not counted here" not in text


def test_heartbeats_of_inferred_disks_only_name_no_others() -> None:
    text = check_text(warn("heartbeats", HeartbeatsLost(1, (7,)))).sentence
    assert "cannot be named" not in text
    assert text.endswith("What a volume can lose counts lost units only: unreachable ones may come back.")

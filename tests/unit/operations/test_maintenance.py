"""The verdict on stopping a host: quorum, volumes, what is not known; and that no unknown makes it safe."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerting.model import MaintenanceScope
from bot.alerting.risk_facts import NotRebuilt
from bot.clustermgr.code_modes import CODE_MODES
from bot.clustermgr.disk_facts import DiskFacts
from bot.clustermgr.host_facts import HostFacts, host_facts
from bot.clustermgr.models import Disk, DiskStatus, Snapshot, ZoneDisks
from bot.clustermgr.volume_survey import PlacedVolume
from bot.operations.maintenance import StopLevel, StopUnknown, StopVerdict, UnknownHost, UnknownPart, stop_verdict
from bot.views.safe_to_stop import safe_to_stop, start_command, stop_sentence
from tests.support.view_samples import assert_harmless, assert_postable, seen
from tests.support.watch_builders import host, polled, stat

EC3P3 = 11
NODE, BLOB = host(2), "10.1.0.1"


def disk(number: int, *, status: int = DiskStatus.NORMAL, readonly: bool = False) -> Disk:
    """Disk n is the only one of host n."""
    return Disk(disk_id=number, status=status, host=f"http://10.1.0.{number}:8899", idc="z0", readonly=readonly)


def facts(
    where: str = BLOB,
    *,
    bad: tuple[int, ...] = (),
    disks: int = 6,
    volumes: dict[int, PlacedVolume] | None = None,
    snapshot: Snapshot | None = None,
    before: bool = True,
) -> HostFacts:
    """Facts of a healthy group of three, with one volume over six disks."""
    now = polled(1000.0) if snapshot is None else snapshot
    listed = tuple(disk(n, status=DiskStatus.BROKEN if n in bad else DiskStatus.NORMAL) for n in range(1, disks + 1))
    held = {5: PlacedVolume(5, EC3P3, -len(bad), (1, 2, 3, 4, 5, 6))} if volumes is None else volumes
    known = HostFacts(where, polled(990.0) if before else None, now, listed, DiskFacts(disks=listed).suspects)
    own = {each.disk_id for each in known.own}
    units = {one: tuple(vid << 32 for vid, volume in held.items() if one in volume.disks) for one in own}
    here = {vid: volume for vid, volume in held.items() if not own.isdisjoint(volume.disks)}
    return replace(known, units=units, volumes=here)


def judged(known: HostFacts, **more: Any) -> StopVerdict:
    verdict = stop_verdict(known, **more)
    assert isinstance(verdict, StopVerdict)
    return verdict


def test_blobnode_with_spare_units_is_safe() -> None:
    verdict = judged(facts())
    assert verdict.level is StopLevel.SAFE
    assert verdict.member is None
    assert verdict.data is not None
    assert verdict.data.worst is not None
    assert verdict.data.worst.left == verdict.scope.margin == 2
    assert verdict.scope.disks == (1,)
    assert stop_sentence(verdict) == "10.1.0.1 of prod is safe to stop now."
    assert "tolerates 3, 0 lost, 0 unreachable, 1 on this host; 2 more units could be away" in seen(
        safe_to_stop(verdict, "2h")
    )


def test_last_margin_is_a_caution_and_none_is_unsafe() -> None:
    assert judged(facts(bad=(5, 6))).level is StopLevel.CAUTION
    verdict = judged(facts(bad=(4, 5, 6)))
    assert verdict.level is StopLevel.UNSAFE
    assert verdict.data is not None
    assert verdict.data.unreadable == 1
    assert stop_sentence(verdict) == "Do not stop 10.1.0.1 of prod: 1 volume could not be read while it is away."


def test_broken_disk_of_the_host_is_not_counted_twice() -> None:
    verdict = judged(facts(bad=(1,)))
    assert verdict.data is not None
    assert verdict.data.worst is not None
    assert (verdict.data.worst.lost, verdict.data.worst.here, verdict.data.worst.left) == (1, 0, 2)


def test_follower_of_three_leaves_no_spare_voter() -> None:
    verdict = judged(facts(NODE))
    assert verdict.level is StopLevel.CAUTION
    assert verdict.scope.peers == (2,)
    assert verdict.scope.hosts == (NODE,)
    assert stop_sentence(verdict).endswith("with care: one more voter down stops writes.")


def test_leader_is_advised_to_hand_over() -> None:
    verdict = judged(facts(host(1)))
    assert verdict.member is not None
    assert verdict.member.leads
    assert verdict.member.successors == (2, 3)
    assert "`/cm leader transfer 2 prod`" in seen(safe_to_stop(verdict, "2h"))


def test_second_voter_is_unsafe_while_another_is_stopped() -> None:
    away = MaintenanceScope(host(3), (host(3),), (3,))
    verdict = judged(facts(NODE), others=(away,))
    assert verdict.level is StopLevel.UNSAFE
    assert "writes would stop" in stop_sentence(verdict)
    assert verdict.under_way == (host(3),)


def test_disks_of_other_maintenances_count_as_away() -> None:
    away = MaintenanceScope("10.1.0.2", disks=(2, 3, 4))
    assert judged(facts(), others=(away,)).level is StopLevel.UNSAFE


def test_single_poll_proves_no_voter() -> None:
    verdict = judged(facts(NODE, before=False))
    assert verdict.level is StopLevel.UNKNOWN
    assert verdict.unknown == (StopUnknown(UnknownPart.VOTERS),)


def test_single_poll_does_not_say_that_writes_would_stop() -> None:
    """The host has a member and the disks of volumes that could not be read."""
    own = Disk(disk_id=1, status=DiskStatus.NORMAL, host=NODE, idc="z0")
    bad = DiskFacts(disks=(own, disk(2), disk(3), *(disk(n, status=DiskStatus.BROKEN) for n in (4, 5, 6))))
    known = facts(NODE, before=False)
    volume = PlacedVolume(5, EC3P3, -3, (1, 2, 3, 4, 5, 6))
    verdict = judged(replace(known, disks=bad.disks, suspects=bad.suspects, units={1: (5 << 32,)}, volumes={5: volume}))
    assert verdict.level is StopLevel.UNSAFE
    assert StopUnknown(UnknownPart.VOTERS) in verdict.unknown
    assert stop_sentence(verdict).endswith(" of prod: 1 volume could not be read while it is away.")


def test_host_with_a_port_mentions_its_neighbours() -> None:
    verdict = judged(facts("10.1.0.1:8899"))
    assert verdict.neighbours == 0
    both = replace(facts("10.1.0.1:9999"), disks=(*(facts().disks or ()), disk(1)))
    assert isinstance(stop_verdict(both), UnknownHost)


def test_unknown_host_names_those_there_are() -> None:
    refused = stop_verdict(facts("10.9.9.9"))
    assert isinstance(refused, UnknownHost)
    assert refused.known[:3] == (host(1), host(2), host(3))
    assert "http://10.1.0.6:8899" in refused.known


def test_silent_host_is_known_by_its_last_answer() -> None:
    verdict = judged(facts(NODE, snapshot=polled(1000.0, silent=(2,))), peers_at=((NODE, 2), (host(3), 3)))
    assert verdict.scope.peers == (2,)


@pytest.mark.parametrize(
    ("known", "part"),
    [
        (replace(facts(), units={}, volumes={}), UnknownPart.DISKS),
        (replace(facts(), disks=None), UnknownPart.DISK_LIST),
        (facts(volumes={5: PlacedVolume(5, 77, 0, (1, 2, 3))}), UnknownPart.MODES),
        (facts(volumes={5: PlacedVolume(5, EC3P3, 0, (1, 2, 3, 4, 5))}), UnknownPart.UNPLACED),
        (facts(volumes={5: PlacedVolume(5, EC3P3, 0, (1, 2, 3, 4, 5, 99))}), UnknownPart.UNPLACED),
        (facts(volumes={5: PlacedVolume(5, EC3P3, -3, (1, 2, 3, 4, 5, 6))}), UnknownPart.UNEXPLAINED),
        (
            replace(facts(), units={1: (5 << 32, 6 << 32, 7 << 32)}, volumes={}),
            UnknownPart.UNITS,
        ),
        (replace(facts(), units={1: (6 << 32,)}), UnknownPart.UNITS),
        (
            replace(facts(), units={1: (5 << 32,)}, volumes={5: PlacedVolume(5, EC3P3, 0, (2, 3, 4, 5, 6, 6))}),
            UnknownPart.UNITS,
        ),
    ],
    ids=[
        "unit lists",
        "disk list",
        "code mode",
        "short",
        "strange disk",
        "health",
        "volumes",
        "another landed",
        "moved",
    ],
)
def test_part_that_is_not_judged_is_named_and_never_safe(known: HostFacts, part: UnknownPart) -> None:
    verdict = judged(known)
    assert verdict.level is StopLevel.UNKNOWN
    assert part in {each.part for each in verdict.unknown}
    assert "Not judged: " in stop_sentence(verdict)
    assert not verdict.allowed


def test_unit_that_landed_does_not_hide_an_unread_one() -> None:
    """A unit of volume 5 landed after the list was read; volume 6, which the list names, was not read."""
    listed = tuple(disk(number) for number in range(1, 7))
    landed = PlacedVolume(5, EC3P3, 0, (1, 2, 3, 4, 5, 6))
    read = DiskFacts(disks=listed, units={1: (6 << 32,)}, volumes={5: landed}, unread=(6,))
    verdict = judged(host_facts(BLOB, polled(990.0), polled(1000.0), read))
    assert verdict.unknown == (StopUnknown(UnknownPart.UNITS, 1),)
    assert not verdict.allowed


def test_new_leader_knows_no_heartbeats() -> None:
    """A new leader counts every disk as silent and lowers the health of every volume: that proves nothing."""
    zones = (ZoneDisks(idc="z0", total=6, available=6, expired=6),)
    low = {5: PlacedVolume(5, EC3P3, -6, (1, 2, 3, 4, 5, 6))}
    verdict = judged(facts(volumes=low, snapshot=polled(1000.0, zones=zones)), fresh=True)
    assert verdict.unknown == (StopUnknown(UnknownPart.HEARTBEATS, 1),)
    assert verdict.level is StopLevel.UNKNOWN
    assert verdict.scope.expired == 0


def test_no_leader_leaves_everything_unjudged() -> None:
    verdict = judged(HostFacts(NODE, None, polled(1000.0, leader=0)))
    assert verdict.unknown == (StopUnknown(UnknownPart.LEADER),)
    assert not verdict.allowed


def test_last_writable_disk_of_a_zone_is_a_caution() -> None:
    known = facts()
    listed = tuple(disk(n, readonly=n > 1) for n in range(1, 7))
    verdict = judged(replace(known, disks=listed, suspects=DiskFacts(disks=listed).suspects))
    assert verdict.scope.whole == ("z0",)
    assert verdict.level is StopLevel.CAUTION


def test_missing_shards_make_a_small_margin_a_caution() -> None:
    """Ten of the twelve units that EC15P12 tolerates are on the host, and a new blob may lack three."""
    spread = {5: PlacedVolume(5, 1, 0, (*[1] * 10, *[2] * 4, *[3] * 4, *[4] * 4, *[5] * 3, *[6] * 2))}
    assert judged(facts(volumes=spread)).level is StopLevel.SAFE
    verdict = judged(facts(volumes=spread), not_rebuilt=NotRebuilt.OFF)
    assert verdict.level is StopLevel.CAUTION
    assert "new blobs may lack shards" in stop_sentence(verdict)


def test_hostile_names_are_escaped_and_get_no_button() -> None:
    strange = "http://<!channel>:8899"
    listed = (replace(disk(1), host=strange, idc="<@U1>"),)
    known = HostFacts("<!channel>", polled(990.0), polled(1000.0), listed, DiskFacts(disks=listed).suspects)
    shown = safe_to_stop(judged(known), "2h")
    assert_harmless(shown)
    assert_postable(shown)
    assert "maintenance_start" not in str(shown.blocks)
    assert start_command("10.0.0.7 anyway=yes", "prod", "2h") == ""
    assert start_command("10.0.0.7", "prod", "2h reason=x") == ""


LAYOUTS = st.lists(
    st.tuples(
        st.sampled_from([2, 11, 12, 13, 77, 100]),
        st.lists(st.integers(1, 12), min_size=3, max_size=12),
        st.integers(-4, 0),
    ),
    max_size=6,
)


@given(
    LAYOUTS,
    st.sets(st.integers(1, 12), max_size=5),
    st.sets(st.integers(1, 12), max_size=4),
    st.booleans(),
    st.integers(0, 3),
)
def test_verdict_is_never_better_with_more_lost_or_less_read(
    layouts: list[tuple[int, list[int], int]], bad: set[int], more: set[int], read: bool, expired: int
) -> None:
    """Safe means: all is read, and every volume on the host keeps a margin without the host."""
    volumes = {
        vid: PlacedVolume(vid, mode, health, tuple(disks)) for vid, (mode, disks, health) in enumerate(layouts, 1)
    }
    zones = (ZoneDisks(idc="z0", total=12, available=12, expired=expired),)
    now = polled(1000.0)
    now = replace(now, answers=(replace(now.answers[0], stat=stat(1, 1, zones=zones)), *now.answers[1:]))
    known = facts(bad=tuple(bad), disks=12, volumes=volumes, snapshot=now)
    verdict = judged(known if read else replace(known, units={}, volumes={}))
    if not read and known.own:
        assert verdict.level >= StopLevel.UNKNOWN
    worse = judged(facts(bad=tuple(bad | more), disks=12, volumes=volumes, snapshot=now))
    own = {each.disk_id for each in known.own}
    here = [volume for volume in volumes.values() if not own.isdisjoint(volume.disks)]
    if read and verdict.level is StopLevel.SAFE:
        for volume in here:
            mode = CODE_MODES[volume.code_mode]
            counted = volume.disks[: mode.counted]
            assert len(counted) == mode.counted
            assert sum(each in own | bad for each in counted) < mode.tolerated
    before = verdict.data.worst.left if read and verdict.data and verdict.data.worst else None
    after = worse.data.worst.left if worse.data and worse.data.worst else None
    if before is not None and after is not None and not own & more and not expired:
        assert after <= before

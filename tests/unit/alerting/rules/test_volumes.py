"""Rules about volumes: each level, what is not judged, unknown code modes, and disks that are not empty."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerting.cluster_state.background import BackgroundNote, SchedulerNote, TaskNote
from bot.alerting.cluster_state.state import ClusterState, update
from bot.alerting.details import AffectedVolumes, DisksBroken, DisksExpired, DisksNotEmpty, UnitsLeft
from bot.alerting.model import Alert, AlertState, Finding, Severity
from bot.alerting.risk_facts import LostDisk, NotRebuilt
from bot.alerting.rules.affected import with_risk
from bot.alerting.rules.base import CANNOT_TELL, Answer, RuleContext
from bot.alerting.rules.table import rule_named
from bot.alerting.transition import as_found
from bot.clustermgr.dashboard import Dashboard, VolumeSafety
from bot.clustermgr.models import Snapshot, ZoneDisks
from bot.clustermgr.volume_survey import PlacedVolume, StaleReads, SuspectDisks, UnitCount, VolumeSurvey
from tests.support.alert_words import lines, outcome, sentence
from tests.support.watch_builders import disk, polled, switched

NOW = 100_000.0
EC3P3, EC6P6L9, USER_DEFINED = 11, 200, 240


def volume(vid: int, *disks: int, mode: int = EC3P3, health: int = 0) -> PlacedVolume:
    return PlacedVolume(vid, mode, health, disks)


def judged(
    volumes: list[PlacedVolume],
    disks: SuspectDisks,
    *,
    shard_repair: str = "true",
    expired: int = 0,
    units: Mapping[int, UnitCount] | None = None,
    **survey: object,
) -> RuleContext:
    """A poll that has read these volumes."""
    snapshot: Snapshot = polled(
        NOW, bad=[disk(number) for number in sorted(disks.bad)], zones=(ZoneDisks(idc="z0", total=60, expired=expired),)
    )
    found = VolumeSurvey(disks, {each.vid: each for each in volumes}, units or {}, read_at=NOW)
    snapshot = replace(snapshot, volumes=replace(found, **survey))  # type: ignore[arg-type]  # fields by name
    state = update(update(ClusterState(), switched(NOW - 600, shard_repair=shard_repair)), snapshot)
    done = BackgroundNote(1, NOW, (SchedulerNote("s"),), NOW, (TaskNote("shard_repair", failing=0),))
    return RuleContext(snapshot, replace(state, switches_at=NOW, background=done), NOW)


def ask(rule: str, view: RuleContext) -> Answer:
    found = rule_named(rule)
    assert found is not None
    return found.answer(view)


def only(answer: Answer) -> Finding:
    assert answer is not CANNOT_TELL
    [finding] = answer
    return finding


def broken(*disks: int) -> SuspectDisks:
    return SuspectDisks(frozenset(disks))


@pytest.mark.parametrize(
    ("lost", "at_risk", "data_lost"),
    [(0, None, False), (1, None, False), (2, Severity.WARNING, False), (3, Severity.CRITICAL, False), (4, None, True)],
)
def test_volume_is_announced_by_what_it_can_lose(lost: int, at_risk: Severity | None, data_lost: bool) -> None:
    view = judged([volume(5, 1, 2, 3, 4, 5, 6)], broken(*range(1, lost + 1)))
    found = ask("volumes_at_risk", view)
    assert found == () if at_risk is None else only(found).severity is at_risk
    gone = ask("volumes_lost", view)
    assert only(gone).severity is Severity.CRITICAL if data_lost else gone == ()


@pytest.mark.parametrize("mode", [77, USER_DEFINED, 255, 0])
def test_unknown_code_mode_is_critical_and_shown_by_its_number(mode: int) -> None:
    finding = only(ask("volumes_at_risk", judged([volume(5, 1, 2, 3, mode=mode)], broken(1))))
    assert finding.severity is Severity.CRITICAL
    [line] = lines(finding)
    assert line.startswith(f"volume #5 (unknown code mode {mode}): 1 unit lost (disk #1); it is not known")


def test_lost_local_parity_is_no_risk() -> None:
    disks = tuple(range(1, 22))
    view = judged([volume(5, *disks, mode=EC6P6L9)], broken(*disks[12:]))
    assert ask("volumes_at_risk", view) == ()
    assert ask("volumes_lost", view) == ()


def test_health_lowered_by_a_compaction_is_no_risk() -> None:
    """One unit of the volume compacts, and no disk is expired by the leader's counters."""
    view = judged([volume(5, 1, 2, 3, 4, 5, 6, health=-2)], broken(1), expired=0)
    assert ask("volumes_unreachable", view) == ()
    assert [risk.unreachable for risk in view.volume_risks] == [()]


@pytest.mark.parametrize("rule", ["volumes_at_risk", "volumes_lost", "volumes_unreachable", "disk_not_empty"])
def test_what_is_not_judged_proves_nothing(rule: str) -> None:
    some = judged([], broken(1), pending_disks=(1,))
    none = replace(some, snapshot=replace(some.snapshot, volumes=None))
    leaderless = judged([volume(5, 1, 2, 3, 4, 5, 6)], broken(1, 2, 3, 4))
    for view in (some, none, replace(leaderless, snapshot=replace(leaderless.snapshot, answers=()))):
        assert ask(rule, view) is CANNOT_TELL


def test_pending_volumes_are_said_in_the_alert() -> None:
    view = judged([volume(5, 1, 2, 3, 4, 5, 6)], broken(1, 2), pending_disks=(2,), pending_volumes=40, shard_repair="x")
    finding = only(ask("volumes_at_risk", view))
    assert finding.partial
    assert lines(finding)[:2] == (
        "not judged yet: some disks and some volumes",
        "`shard_repair` is off: new blobs may already lack up to 1 unit, so each margin may be smaller by that",
    )


def test_dashboard_that_counts_otherwise_is_said_in_the_alert() -> None:
    view = judged([volume(5, 1, 2, 3, 4, 5, 6)], broken(1, 2), dashboard=Dashboard(NOW, VolumeSafety(1, 0, 0)))
    assert lines(only(ask("volumes_at_risk", view)))[0] == (
        "the cluster's own dashboard differs: it counts 0 with lost data, 0 at risk and 1 degraded; "
        "cmbot counts 0 with lost data, 1 at risk and 0 degraded"
    )


def test_disk_alert_counts_the_volumes_of_its_own_disks() -> None:
    gone = SuspectDisks(frozenset({1}), gone=frozenset({9}))
    volumes = [volume(5, 1, 2, 3, 4, 5, 6), volume(6, 9, 2, 3, 4, 5, 6)]
    detail = only(ask("disk_broken", judged(volumes, gone, shard_repair="false"))).detail
    assert isinstance(detail, DisksBroken)
    assert detail.affected is not None
    assert (detail.affected.volumes, detail.affected.left) == (1, 2)
    assert (detail.affected.caveats.unwritten, detail.affected.caveats.not_rebuilt) == (1, NotRebuilt.OFF)


@pytest.mark.parametrize(
    ("pending", "said"), [((), ()), ((1,), ("not judged yet: some disks",)), ((1, 2), ("not judged yet: some disks",))]
)
def test_disk_alert_says_only_what_is_not_judged(pending: tuple[int, ...], said: tuple[str, ...]) -> None:
    """Where every volume is judged and none is affected, nothing is said of volumes; no number moves with each poll."""
    finding = only(ask("disk_broken", judged([], broken(1, 2), pending_disks=pending)))
    assert tuple(line for line in lines(finding) if not line.startswith("disk #")) == said


@pytest.mark.parametrize(
    ("units", "left", "words"),
    [
        (UnitCount(1, NOW, frozenset({5})), UnitsLeft(7, 1, (5,), 1), "disk #7: 1 unit of volume #5"),
        (
            UnitCount(13, NOW, frozenset(range(1, 13))),
            UnitsLeft(7, 13, tuple(range(1, 11)), 12),
            "disk #7: 13 units of volumes #1, #2, #3, #4, #5, #6, #7, #8, #9, #10 and 2 more",
        ),
    ],
)
def test_disk_that_is_not_empty_is_critical_and_names_its_volumes(
    units: UnitCount, left: UnitsLeft, words: str
) -> None:
    view = judged([], SuspectDisks(gone=frozenset({7, 8})), units={7: units, 8: UnitCount(0, NOW)})
    finding = only(ask("disk_not_empty", view))
    assert finding.severity is Severity.CRITICAL
    assert sentence(finding).startswith("Do not pull 1 disk of prod")
    assert lines(finding) == (words,)
    assert isinstance(finding.detail, DisksNotEmpty)
    assert finding.detail.disks == (left,)


def test_disk_that_no_list_has_any_more_is_not_taken_for_empty() -> None:
    held = LostDisk(7, NOW - 90, gone_since=NOW - 90, units=1, counted_at=NOW - 60)
    view = judged([], SuspectDisks())
    assert ask("disk_not_empty", view) == ()
    view = replace(view, state=replace(view.state, lost_disks=(held,)))
    assert ask("disk_not_empty", view) is CANNOT_TELL
    other = judged([], SuspectDisks(gone=frozenset({8})), units={8: UnitCount(2, NOW, frozenset({5}))})
    finding = only(ask("disk_not_empty", replace(other, state=view.state)))
    assert lines(finding) == ("disk #8: 2 units of volume #5", "disk #7: 1 unit")
    assert finding.partial


def test_expired_disks_that_cannot_be_named_are_said() -> None:
    view = judged([], SuspectDisks(), expired=3)
    view = replace(view, state=replace(view.state, term_since=0.0))
    assert lines(only(ask("disk_expired", view)))[0] == (
        "3 disks cannot be named: volumes on them are judged by their health alone"
    )


def test_volumes_that_miss_units_on_disks_without_a_name_are_counted() -> None:
    """Two volumes on the same disks: the six disks are equally likely."""
    volumes = [volume(5, 1, 2, 3, 4, 5, 6, health=-4), volume(6, 1, 2, 3, 4, 5, 6, health=-1)]
    view = judged(volumes, SuspectDisks(), expired=4)
    view = replace(view, state=replace(view.state, term_since=0.0))
    finding = only(ask("disk_expired", view))
    assert lines(finding)[0] == (
        "affects 2 volumes; 1 of them cannot be read now; by lost units alone, the worst can lose 3 more units"
    )
    assert isinstance(finding.detail, DisksExpired)
    assert (finding.detail.away, finding.detail.unnamed) == ((), 4)


@pytest.mark.parametrize(("before", "now", "since"), [(0, 4, NOW), (4, 4, 5.0), (4, 3, 5.0), (3, 4, NOW), (4, 0, 0.0)])
def test_disks_are_without_a_heartbeat_since_their_number_rose_last(before: int, now: int, since: float) -> None:
    view = judged([], SuspectDisks(), expired=now)
    settled = replace(view.state, term_since=0.0, elected_at=0.0, expired=before, expired_since=5.0 if before else 0.0)
    found = with_risk(settled, replace(view, state=settled))
    assert (found.expired, found.expired_since) == (now, since)
    fresh = replace(settled, elected_at=NOW - 5, term_since=NOW - 5)
    assert with_risk(fresh, replace(view, state=fresh)).expired == before


def test_named_and_inferred_disks_are_listed_separately() -> None:
    disks = SuspectDisks(frozenset({1}), expired=frozenset({2}))
    view = judged([volume(5, 1, 2, 3, 4, 5, 6, health=-6)], disks, expired=6)
    view = replace(view, state=replace(view.state, term_since=0.0))
    assert lines(only(ask("disk_expired", view)))[:4] == (
        "affects 1 volume; it cannot be read now; by lost units alone, it can lose 2 more units",
        "named by the cluster: disk #2",
        "inferred from the health of volumes: disks #3, #4, #5 and #6",
        "1 disk cannot be named: volumes on it are judged by their health alone",
    )


def test_affected_volumes_of_an_unknown_mode_have_no_margin() -> None:
    detail = only(ask("disk_broken", judged([volume(5, 1, 2, mode=USER_DEFINED)], broken(1)))).detail
    assert isinstance(detail, DisksBroken)
    assert detail.affected == AffectedVolumes(1, None)


@pytest.mark.parametrize("rule", ["volumes_at_risk", "volumes_lost", "volumes_unreachable", "disk_not_empty"])
def test_old_reads_end_no_alert(rule: str) -> None:
    assert ask(rule, judged([], SuspectDisks())) == ()
    assert ask(rule, judged([], SuspectDisks(), stale=StaleReads((), 3, NOW - 7200))) is CANNOT_TELL


def test_open_alert_says_that_its_reads_have_become_old() -> None:
    volumes = [volume(5, 1, 2, 3, 4, 5, 6)]
    then = only(ask("volumes_at_risk", judged(volumes, broken(1, 2))))
    now = only(ask("volumes_at_risk", judged(volumes, broken(1, 2), stale=StaleReads((1,), 1, NOW - 7200))))
    alert = Alert("prod", "volumes_at_risk", "", AlertState.FIRING, then.severity, then.detail, NOW, parts=then.parts)
    assert "could not be read again since" in lines(as_found(replace(alert, weight=then.weight), now))[0]
    assert now.partial


counts = st.none() | st.integers(0, 3)


@given(
    listed=counts, polled_now=counts, noted=counts, rule=st.sampled_from(["disk_broken", "repair_stuck", "drop_stuck"])
)
def test_end_of_an_alert_says_do_not_pull_exactly_where_the_disk_is_not_empty(
    listed: int | None, polled_now: int | None, noted: int | None, rule: str
) -> None:
    """The count of the watch, that of the poll and the stored one may differ: every message follows the same one."""
    units = {} if listed is None else {7: UnitCount(listed, NOW - 30, frozenset(range(listed)))}
    view = judged([], SuspectDisks(gone=frozenset({7})), units=units)
    note = LostDisk(7, NOW - 90, gone_since=NOW - 90, units=noted, counted_at=NOW - 60)
    view = replace(view, state=replace(view.state, lost_disks=(note,)))
    view = replace(view, snapshot=replace(view.snapshot, chunks={} if polled_now is None else {7: polled_now}))
    ended = rule_named(rule)
    assert ended is not None
    detail = DisksBroken(1, 0, (), ())
    alert = Alert("prod", rule, "", AlertState.FIRING, Severity.WARNING, detail, NOW - 900, parts=("7",))
    said = outcome(ended.resolved(view, alert), alert)
    found = ask("disk_not_empty", view)
    held = found is not CANNOT_TELL and bool(found)
    assert ("left: do not pull it" in said) is held
    newest = next((each for each in (polled_now, listed, noted) if each is not None), None)
    assert held is bool(newest)
    if rule == "disk_broken":
        assert ("could not be counted" in said) is (newest is None)


def test_end_of_an_alert_without_names_still_says_which_disk_is_not_empty() -> None:
    view = judged([], SuspectDisks(gone=frozenset({7})), units={7: UnitCount(2, NOW)})
    ended = rule_named("disk_broken")
    assert ended is not None
    alert = Alert("prod", "disk_broken", "", AlertState.FIRING, Severity.WARNING, DisksBroken(1, 0, (), ()), NOW)
    said = outcome(ended.resolved(view, alert), alert)
    assert said == "No disk of prod is broken or being repaired, but 2 units on disk #7 are left: do not pull it."

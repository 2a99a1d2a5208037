"""Maintenance of a host: what is expected of it, and what ends it early."""

from dataclasses import replace

import pytest

from bot.alerting.details import (
    ChunksLow,
    DisksExpired,
    HostSilent,
    LeaderChanged,
    LeaderMove,
    PeerDown,
    PeerFault,
    PeerName,
    QuorumAtRisk,
    SickVoter,
    VolumeLoss,
    VolumesUnreachable,
    WritableLow,
    ZoneLoss,
)
from bot.alerting.details.raft import AnswerFault, FaultKind
from bot.alerting.maintenance import (
    MarginFell,
    OtherAlert,
    ended_maintenance,
    expected,
    lifted_maintenances,
    muted_counts,
)
from bot.alerting.model import Alert, AlertState, Detail, LegacyDetail, MaintenanceScope, Severity, Silence
from bot.alerting.rules.table import RULES
from bot.alerting.silences import MAINTENANCE, covers, lifted_by, muted_under, muting
from bot.alerting.transition import Transition, TransitionReason, Visibility
from bot.clustermgr.volume_survey import PlacedVolume, SuspectDisks, VolumeSurvey
from tests.support.engine_builders import found

SCOPE = MaintenanceScope("n3", ("n3:9998",), (3,), (7, 8), ("z0",), (), 1, 1)
HELD = Silence("prod", MAINTENANCE, "n3", 2000.0, "U1", created_at=1000.0, id=4, scope=SCOPE)
EC3P3 = 11


def alert(rule: str, detail: Detail, subject: str = "", parts: tuple[str, ...] | None = None) -> Alert:
    return Alert("prod", rule, subject, AlertState.FIRING, Severity.WARNING, detail, 1000.0, parts=parts, id=9)


def silent(host: str) -> Alert:
    return alert("host_unreachable", HostSilent(host, AnswerFault(FaultKind.TIMEOUT), 3), host)


def down(peer: int) -> Alert:
    return alert("peer_down", PeerDown(PeerName(peer), PeerFault.NOT_HEARD), str(peer))


def at_risk(*sick: int) -> Alert:
    return alert("quorum_at_risk", QuorumAtRisk(3, 2, 2, tuple(SickVoter(peer, None) for peer in sick)))


def expired(
    lost: int,
    *zones: str,
    whole: tuple[str, ...] = (),
    away: tuple[int, ...] = (7, 8),
    silent_hosts: tuple[str, ...] = (),
) -> Alert:
    losses = tuple(ZoneLoss(z, lost, 8) for z in zones)
    detail = DisksExpired(lost, losses, whole, away=away, silent_hosts=silent_hosts)
    return alert("disk_expired", detail, parts=zones)


def unreachable(*disks: int, left: int = 3, total: int = 1) -> Alert:
    return alert("volumes_unreachable", VolumesUnreachable(total, (VolumeLoss(5, "EC3P3", 11, (), disks, left),)))


def moved(before: int) -> Alert:
    return alert("leader_changed", LeaderChanged((LeaderMove(before, 1, 7, 1000.0),)))


@pytest.mark.parametrize(
    "about",
    [silent("n3:9998"), down(3), at_risk(3), expired(3, "z0"), unreachable(7, 8), moved(3)],
    ids=lambda each: str(each.rule),
)
def test_alert_that_the_host_explains_alone_is_expected(about: Alert) -> None:
    assert expected(SCOPE, about)
    assert covers(HELD, about, 1500.0)
    assert muting([HELD], about, 1500.0) == HELD
    assert not covers(HELD, about, 2000.0)
    assert not covers(HELD, replace(about, cluster="other"), 1500.0)


@pytest.mark.parametrize(
    "about",
    [
        silent("n2:9998"),
        down(2),
        at_risk(3, 2),
        at_risk(),
        expired(4, "z0"),
        expired(3, "z1"),
        expired(2, "z0", whole=("z0",)),
        unreachable(7, 9),
        unreachable(7, 8, left=2),
        unreachable(7, 8, total=2),
        moved(2),
        alert("peer_down", LegacyDetail("Something is down."), "2"),
        alert("quorum_at_risk", LegacyDetail("One more failure stops writes.")),
    ],
    ids=lambda each: str(each.rule),
)
def test_alert_that_is_more_than_the_host_is_not_expected(about: Alert) -> None:
    assert not expected(SCOPE, about)


@pytest.mark.parametrize("away", [(), (7,), (7, 9), (9, 10)])
def test_lost_heartbeats_not_known_to_be_the_hosts_are_announced(away: tuple[int, ...]) -> None:
    """Their count fits the host, but another host of its zone fits as well; the maintenance goes on."""
    about = expired(3, "z0", away=away)
    assert not covers(HELD, about, 1500.0)
    assert lifted_maintenances([HELD], step(about), None, 0, 1500.0) == ()
    assert ended_maintenance(HELD, [about]).open_alerts == ()


@pytest.mark.parametrize("doubtful", [None, (20, 21, 22, 23)])
def test_heartbeats_that_other_hosts_lost_before_are_not_muted(doubtful: tuple[int, ...] | None) -> None:
    """As many were lost at the start, in a zone that counts as silent since then; two of the host's come later."""
    scope = replace(SCOPE, zones=("z0", "z2"), expired=4)
    lost = DisksExpired(4, (ZoneLoss("z2", 4, 8),), away=(20, 21, 22, 23), doubtful=doubtful)
    assert not expected(scope, alert("disk_expired", lost, parts=("z2",)))
    zones = (ZoneLoss("z0", 2, 8), *lost.zones)
    both = replace(lost, lost=6, zones=zones, away=(7, 8, *lost.away), doubtful=None)
    assert expected(scope, alert("disk_expired", both, parts=("z0", "z2")))


def test_lost_heartbeats_are_expected_while_every_member_of_the_host_is_silent() -> None:
    about = expired(3, "z0", away=(), silent_hosts=("n3:9998",))
    assert expected(SCOPE, about)
    assert not expected(SCOPE, expired(3, "z0", away=(9, 10), silent_hosts=("n3:9998",)))
    assert not expected(SCOPE, expired(3, "z0", away=(), silent_hosts=("n2:9998",)))
    assert not expected(replace(SCOPE, hosts=()), about)


@pytest.mark.parametrize(
    ("doubtful", "known"),
    [((), True), ((7,), True), ((7, 9), True), ((7, 9, 10), False), (None, False)],
)
def test_lost_heartbeats_are_expected_where_every_other_disk_is_known_to_report(
    doubtful: tuple[int, ...] | None, *, known: bool
) -> None:
    """One other disk had lost its heartbeat before; nothing names a disk."""
    about = expired(3, "z0", away=())
    assert isinstance(about.detail, DisksExpired)
    assert expected(SCOPE, replace(about, detail=replace(about.detail, doubtful=doubtful))) is known


def writable(share: int, days: int | None = None, *, none: bool = False) -> Alert:
    return alert("writable_low", WritableLow(share, none, days))


def chunks(zone: str, share: int) -> Alert:
    return alert("chunks_low", ChunksLow(zone, share), zone)


SPACE = replace(SCOPE, writable=4, chunks=(("z0", 6),))


@pytest.mark.parametrize("about", [writable(4), writable(9), chunks("z0", 6)], ids=lambda each: str(each.detail))
def test_space_that_the_disks_of_the_host_take_is_expected(about: Alert) -> None:
    held = replace(HELD, scope=SPACE)
    assert expected(SPACE, about)
    assert not expected(SCOPE, about)
    assert lifted_maintenances([held], step(about), None, 0, 1500.0) == ()
    assert len(lifted_maintenances([HELD], step(about), None, 0, 1500.0)) == 1


@pytest.mark.parametrize(
    "about",
    [writable(3), writable(0, none=True), chunks("z0", 5), chunks("z1", 9)],
    ids=lambda each: str(each.detail),
)
def test_space_that_falls_further_ends_it(about: Alert) -> None:
    held = replace(HELD, scope=SPACE)
    assert not expected(SPACE, about)
    [lifted] = lifted_maintenances([held], step(about), None, 0, 1500.0)
    assert lifted.reason == OtherAlert(replace(about, severity=Severity.WARNING))


def test_space_that_is_full_soon_is_announced_without_an_end() -> None:
    """A forecast has other causes than the host."""
    held = replace(HELD, scope=SPACE)
    assert not expected(SPACE, writable(9, days=2))
    assert lifted_maintenances([held], step(writable(9, days=2)), None, 0, 1500.0) == ()


def test_alert_that_another_host_in_maintenance_explains_does_not_end_it() -> None:
    second = replace(HELD, id=5, scope=MaintenanceScope("n2", peers=(2,)))
    assert lifted_maintenances([HELD, second], step(down(2)), None, 0, 1500.0) == ()
    assert len(lifted_maintenances([HELD, second], step(down(1)), None, 0, 1500.0)) == 2


def test_rule_without_a_test_of_its_own_is_never_expected() -> None:
    known = {"host_unreachable", "api_error", "slow_answers", "apply_stalled", "peer_down", "peer_lagging"}
    known |= {"quorum_at_risk", "leader_changed", "disk_expired", "volumes_unreachable", "writable_low", "chunks_low"}
    others = [rule.key for rule in RULES if rule.key not in known]
    assert not [key for key in others if expected(SCOPE, alert(key, LegacyDetail("It is so."), "n3:9998"))]


def test_whole_zone_that_was_accepted_at_the_start_is_expected() -> None:
    scope = replace(SCOPE, whole=("z0",))
    assert expected(scope, expired(2, "z0", whole=("z0",)))


def test_maintenance_is_never_lifted_for_one_alert_alone() -> None:
    """A maintenance is compared with the facts of each poll, so growth on the same host does not end it."""
    grown = found("disk_expired", weight=9, severity=Severity.CRITICAL, parts=("z0", "z1"))
    assert lifted_by([HELD], expired(2, "z0"), grown, 1500.0) == ()


def step(
    about: Alert, reason: TransitionReason = TransitionReason.FIRED, severity: Severity = Severity.WARNING
) -> tuple[Transition, ...]:
    return (Transition(None, replace(about, severity=severity), reason, Visibility.POST),)


def test_other_alert_that_fires_or_grows_ends_it() -> None:
    for reason in (TransitionReason.FIRED, TransitionReason.WORSE):
        [lifted] = lifted_maintenances([HELD], step(down(2), reason), None, 0, 1500.0)
        assert lifted.silence == HELD
        assert isinstance(lifted.reason, OtherAlert)
        assert lifted.reason.alert.subject == "2"


def test_expected_mild_or_old_news_does_not_end_it() -> None:
    for news in (
        step(down(3)),
        step(down(2), TransitionReason.REMINDED),
        step(down(2), TransitionReason.RESOLVED),
        step(down(2), severity=Severity.INFO),
    ):
        assert lifted_maintenances([HELD], news, None, 0, 1500.0) == ()
    assert lifted_maintenances([HELD], step(down(2)), None, 0, 2000.0) == ()
    plain = replace(HELD, scope=None)
    assert lifted_maintenances([plain], step(down(2)), None, 0, 1500.0) == ()


def survey(*disks: int, bad: frozenset[int], health: int = 0, readonly: frozenset[int] = frozenset()) -> VolumeSurvey:
    return VolumeSurvey(
        SuspectDisks(bad=bad, readonly=readonly), {5: PlacedVolume(5, EC3P3, health, disks)}, {}, read_at=1400.0
    )


def test_margin_below_the_promise_ends_it_before_any_alert() -> None:
    """Two units on the host and two lost leave -1 of three, and 1 was promised; one lost leaves 0."""
    for bad, left in ((frozenset({20}), 0), (frozenset({20, 21}), -1)):
        [lifted] = lifted_maintenances([HELD], (), survey(7, 8, 20, 21, 22, 23, bad=bad), 0, 1500.0)
        assert lifted.reason == MarginFell(5, left, 1)
    assert lifted_maintenances([HELD], (), survey(7, 30, 20, 21, 22, 23, bad=frozenset({20})), 0, 1500.0) == ()


def test_volume_without_a_unit_on_the_host_does_not_end_it() -> None:
    lost = survey(30, 31, 20, 21, 22, 23, bad=frozenset({20, 21, 22, 23}))
    assert lifted_maintenances([HELD], (), lost, 0, 1500.0) == ()


def test_other_silent_disks_count_against_the_margin() -> None:
    """The host's two units and one more cannot be written; four disks without heartbeat are more than the host's."""
    shown = survey(7, 8, 20, 21, 22, 23, bad=frozenset(), health=-3, readonly=frozenset({21, 22, 23}))
    assert lifted_maintenances([HELD], (), replace(shown), 3, 1500.0) == ()
    tight = replace(HELD, scope=replace(SCOPE, margin=1, expired=0))
    fell = survey(7, 8, 20, 21, 22, 23, bad=frozenset(), health=-6, readonly=frozenset({21, 22, 23}))
    [lifted] = lifted_maintenances([tight], (), fell, 3, 1500.0)
    assert lifted.reason == MarginFell(5, 0, 1)


def test_disks_of_two_maintenances_are_added_up() -> None:
    second = replace(HELD, id=5, scope=MaintenanceScope("n4", disks=(20,), margin=0))
    lifted = lifted_maintenances([HELD, second], (), survey(7, 8, 20, 21, 22, 23, bad=frozenset()), 0, 1500.0)
    assert [each.silence.id for each in lifted] == [4]


def test_end_names_only_open_alerts_about_the_host() -> None:
    about = [down(3), down(2), replace(silent("n3:9998"), clear_since=1900.0), replace(down(3), cluster="other")]
    assert ended_maintenance(HELD, about).open_alerts == (down(3),)


@pytest.mark.parametrize(
    ("about", "away"),
    [
        (silent("n3:9998"), True),
        (down(3), True),
        (at_risk(3), False),
        (expired(2, "z0"), True),
        (expired(1, "z0", away=(7,)), False),
    ],
)
def test_end_says_that_the_host_is_away_if_it_or_all_its_disks_are(about: Alert, *, away: bool) -> None:
    waiting = replace(about, state=AlertState.PENDING)
    assert ended_maintenance(HELD, [about]).away is away
    assert ended_maintenance(HELD, [waiting]).away is away
    assert ended_maintenance(HELD, [waiting]).open_alerts == ()
    assert ended_maintenance(HELD, [muted_under(HELD, waiting)]).open_alerts


def test_muted_alerts_are_counted_with_those_held_back() -> None:
    quiet = muted_under(HELD, replace(down(3), state=AlertState.PENDING))
    assert muted_counts([HELD], [quiet, down(2)]) == {4: 1}

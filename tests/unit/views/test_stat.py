"""/cm stat and /cm members: what a person reads of clusters in every condition, fact by fact."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.alerting.cluster_status import StatusContext
from bot.alerting.details import DisksBroken
from bot.alerting.model import Alert, AlertState, Severity
from bot.clustermgr.models import Snapshot, VolumeStat
from bot.common.errors import ClusterTimeout
from bot.interactions.message import Message
from bot.views.members import members
from bot.views.stat import stat
from bot.views.stat_details import stat_in_full
from tests.support.view_samples import (
    AT,
    HOSTS,
    as_node,
    assert_harmless,
    assert_postable,
    degraded,
    disk,
    healthy,
    hostile,
    leaderless,
    polled,
    recorded_stats,
    seen,
    unreachable,
)


@pytest.mark.parametrize(("total", "text"), [(5, "1 unlocking, 2 in a state unknown to cmbot"), (3, "1 unlocking\n")])
def test_volumes_in_a_state_of_a_later_release_are_counted(total: int, text: str) -> None:
    volumes = VolumeStat(total_volume=total, active_volume=1, idle_volume=1, unlocking_volume=1)
    leader = recorded_stats("stat_leader")[0].model_copy(update={"volume_stat": volumes})
    assert text in seen(stat_in_full(polled(leader))) + "\n"


def test_short_answer_has_the_three_figures_and_a_button() -> None:
    shown = stat(healthy())
    text = seen(shown)
    assert text.startswith("🟢 *prod is healthy: peer 1 leads in term 5")
    for fact in (
        "*Quorum*\ncan lose 1 voter: 3 of 3 voters healthy, 2 must agree",
        "*Disks* 8\nnot normal: *1 repaired, 1 dropping and 1 readonly*",
        "*Space* 24.7 % used\n`██░░░░░░░░░░` 190.9 GiB of 608.8 GiB writable",
        "3 of 3 hosts answered. As of <!date^1700000000^",
        "Details",
    ):
        assert fact in text
    assert "*Peers*" not in text
    assert shown.text == stat_in_full(healthy()).text
    assert len(shown.blocks) <= 4
    assert text.count("\n") < 10
    assert_postable(shown)


def test_short_answer_names_a_margin_of_nothing_and_what_is_not_known() -> None:
    assert "*Quorum*\n*short*: 1 of 3 voters healthy, 2 must agree" in seen(stat(degraded()))
    assert "*Quorum*\nunknown: no leader answered" in seen(stat(leaderless()))
    assert "(the list of broken disks could not be read)" in seen(stat(leaderless()))
    assert "the figures are those of `10.0.0.2:9998` and may be out of date" in seen(stat(leaderless()))
    assert "*Quorum*" not in seen(stat(unreachable()))


def test_short_answer_has_the_next_step_of_the_worst_alert_and_who_has_it() -> None:
    worst = Alert("prod", "disk_broken", "", AlertState.FIRING, Severity.CRITICAL, DisksBroken(1, 0), AT, id=7)
    other = replace(worst, severity=Severity.WARNING, id=8)
    assert "*Next* (alert #7): " in seen(stat(healthy(), known=StatusContext(alerts=(other, worst))))
    held = replace(worst, state=AlertState.ACKNOWLEDGED, acked_by="U0ANNA")
    assert "*Next* (alert #7, <@U0ANNA> has it): " in seen(stat(healthy(), known=StatusContext(alerts=(held,))))
    over = replace(worst, state=AlertState.RESOLVED)
    assert "*Next*" not in seen(stat(healthy(), known=StatusContext(alerts=(over,))))


def test_healthy_cluster_shows_status_first() -> None:
    shown = stat_in_full(healthy())
    text = seen(shown)
    assert text.startswith("🟢 *prod is healthy: peer 1 leads in term 5")
    for fact in (
        "peer 1 at `127.0.0.1:9998`, term 5",
        "*Read-only*\nno",
        "*Used* 24.7 %\n`██░░░░░░░░░░` 150.7 GiB of 608.8 GiB",
        "*Writable* 31.3 %",
        "381.8 GiB free, 76.4 GiB read-only, 0 B reserved",
        "*Volumes* 0\n0 active, 0 idle, 0 allocatable, 0 locked, 0 unlocking",
        "*Peers* (3 voters, 0 learners)",
        "★ *1* `127.0.0.1:10110` leader, commit 74",
        "● *2* `127.0.0.1:10111` up to date, StateReplicate",
        "*Disks* 8 on 1 blobnode",
        "1 broken, 1 repaired, 1 dropping, 1 readonly",
        "39,092 of 51,944",
        "3 of 3 hosts answered: `10.0.0.1:9998` leader, 4 ms · `10.0.0.2:9998` follower",
        "commit 74, applied 74, raft applied 74, 0 applying, vote 1",
        "As of <!date^1700000000^",
    ):
        assert fact in text
    assert shown.text.endswith("24.7 % of 608.8 GiB used, 31.3 % writable, 8 disks.")


def test_healthy_stat_fits_one_screen() -> None:
    assert len(stat_in_full(healthy()).blocks) <= 8
    assert seen(stat_in_full(healthy())).count("\n") < 40


def test_a_degraded_cluster_names_the_peer_and_the_silent_host() -> None:
    text = seen(stat_in_full(degraded()))
    assert text.startswith("🟡 *prod may be refusing writes: only 1 of 3 voters is proven healthy")
    assert "and 2 must agree; the next poll decides. Peer 2 leads in term 6.*" in text
    assert "▲ *3* `127.0.0.1:10112`" in text
    assert "*unhealthy* (the leader has not heard from it lately)" in text
    assert "10.0.0.3:9998 refuses connections" in text
    assert "2 of 3 hosts answered" in text


def test_stat_without_leader_names_the_shown_view() -> None:
    text = seen(stat_in_full(leaderless(), may_grow=True))
    assert text.startswith("🔴 *prod accepts no writes: it has no leader.")
    assert "No leader answered, so this is the view of `10.0.0.2:9998`" in text
    assert "its disks and space may be out of date" in text
    assert "*Leader*\nnone, term 6" in text
    assert "The list of broken disks could not be read: the disk list was not answered in 4 s." in text
    assert "If `10.0.0.1:9998` answers late, this message is updated." in text


def test_stat_of_a_final_answer_promises_no_update() -> None:
    assert "this message is updated" not in seen(stat_in_full(leaderless()))


def test_unreachable_cluster_names_each_host_and_its_failure() -> None:
    text = seen(stat_in_full(unreachable()))
    assert text.startswith("⚫ *prod is unreachable")
    for host in HOSTS:
        assert f"{host} refuses connections" in text
    assert "0 of 3 hosts answered" in text


def test_followers_without_leader_are_shown_as_followers() -> None:
    follower = recorded_stats("stat_with_disks2")[1]
    text = seen(stat_in_full(polled(ClusterTimeout("10.0.0.1:9998 is slow."), follower, as_node(follower, 3))))
    assert "No leader answered, so this is the view of `10.0.0.2:9998` as follower" in text
    assert "*Leaders named in term 5*\npeer 1" in text


def test_two_leaders_of_one_term_are_a_contradiction() -> None:
    leader = recorded_stats("stat_with_disks2")[0]
    contradictory = polled(leader, as_node(leader, 2, leader=2))
    text = seen(stat_in_full(contradictory, previous=contradictory))
    assert "contradicts itself" in text.split("\n", maxsplit=1)[0]
    assert "*Leaders named in term 5*\npeer 1, peer 2" in text


def test_stat_of_a_release_without_read_only_says_so() -> None:
    v1 = recorded_stats("stat_leader", "v1-2022-03")[0]
    assert "*Read-only*\nnot reported by this release" in seen(stat_in_full(polled(v1)))


def test_listed_broken_disks_are_shown_beside_late_counters() -> None:
    leader = recorded_stats("stat_leader")[0]
    text = seen(stat_in_full(polled(leader, bad_disks=(disk(1), disk(2), disk(3, status=3)))))
    assert "The disk list shows *2 broken* and *1 being repaired*" in text


@pytest.mark.parametrize(
    ("statuses", "links"),
    [
        ((3, 3), "`/cm disks status=repairing`"),
        ((2,), "`/cm disks status=broken`"),
        ((2, 3), "`/cm disks status=broken` and `/cm disks status=repairing`"),
    ],
)
def test_bad_disks_are_linked_by_the_states_that_they_are_in(statuses: tuple[int, ...], links: str) -> None:
    bad = tuple(disk(number, status=status) for number, status in enumerate(statuses, start=1))
    line = seen(stat_in_full(polled(recorded_stats("stat_leader")[0], bad_disks=bad)))
    assert f"being repaired*: {links}\n" in line


def test_disk_in_two_counters_of_its_zone_is_counted_once_in_all() -> None:
    leader = recorded_stats("stat_with_disks2")[0]
    row = {"total": 20, "available": 19, "dropped": 1, "readonly": 1, "broken": 0, "repaired": 0, "dropping": 0}
    zone = leader.space_stat.disk_stat_infos[0].model_copy(update=row)
    space = leader.space_stat.model_copy(update={"disk_stat_infos": (zone,)})
    assert "1 dropped, 1 readonly (1 disk in all)" in seen(
        stat_in_full(polled(leader.model_copy(update={"space_stat": space})))
    )


def test_five_zones_of_two_thousand_disks_fit() -> None:
    leader = recorded_stats("stat_with_disks2")[0]
    zone = leader.space_stat.disk_stat_infos[0]
    zones = tuple(zone.model_copy(update={"idc": f"z{n}", "total": 2000, "broken": 1000}) for n in range(5))
    space = leader.space_stat.model_copy(update={"disk_stat_infos": zones})
    bad = tuple(disk(number, host="http://" + "h" * 60) for number in range(1, 10_001))
    snapshot = polled(leader.model_copy(update={"space_stat": space}), bad_disks=bad)
    assert_postable(stat_in_full(snapshot))
    assert "*10,000 broken*" in seen(stat_in_full(snapshot))


def test_surplus_peers_zones_and_hosts_are_counted() -> None:
    leader = recorded_stats("stat_with_disks2")[0]
    raft, zone = leader.raft_status, leader.space_stat.disk_stat_infos[0]
    peers = tuple(raft.peers[0].model_copy(update={"id": number}) for number in range(1, 60))
    zones = tuple(zone.model_copy(update={"idc": f"z{number:02}"}) for number in range(60))
    crowded = leader.model_copy(
        update={
            "raft_status": raft.model_copy(update={"peers": peers}),
            "space_stat": leader.space_stat.model_copy(update={"disk_stat_infos": zones}),
        }
    )
    hosts = tuple(f"10.0.0.{number}:9998" for number in range(60))
    snapshot = polled(crowded, *[ClusterTimeout("x" * 900)] * 59, hosts=hosts)
    for shown in (stat(snapshot), stat_in_full(snapshot), members(snapshot)):
        assert_postable(shown)
    assert "… and 47 more peers: see `/cm members`" in seen(stat_in_full(snapshot))
    assert "… and 48 more" in seen(stat_in_full(snapshot))
    assert "and 48 more" in seen(stat_in_full(snapshot)).split("hosts answered")[1]


@pytest.mark.parametrize("view", [stat, stat_in_full, members])
@pytest.mark.parametrize("sample", [healthy, degraded, leaderless, unreachable, hostile])
def test_view_of_every_poll_is_postable_with_a_sentence(
    view: Callable[[Snapshot], Message], sample: Callable[[], Snapshot]
) -> None:
    shown = view(sample())
    assert_postable(shown)
    assert shown.text.startswith("prod ")
    assert shown.text.endswith(".")


@pytest.mark.parametrize("view", [stat, stat_in_full, members])
def test_text_of_a_cluster_is_harmless(view: Callable[[Snapshot], Message]) -> None:
    assert_harmless(view(hostile()))


def test_members_of_a_healthy_group() -> None:
    text = seen(members(healthy()))
    assert "1  healthy  leader  127.0.0.1:10110       0  StateReplicate" in text
    assert "2  healthy  voter   127.0.0.1:10111       0  StateReplicate" in text
    assert text.count("healthy") == 4
    assert members(healthy()).text.endswith("prod has 3 voters and 0 learners.")


def test_members_of_a_degraded_group_say_why() -> None:
    text = seen(members(degraded()))
    assert "the leader has not heard from it lately" in text
    assert "`10.0.0.3:9998` refuses connections" in text


def test_members_without_a_leader_are_each_hosts_own_word() -> None:
    text = seen(members(leaderless()))
    assert "only a leader lists them, and no leader answered" in text
    assert "precandidate" in text
    assert "none" in text


def test_members_of_an_unreachable_cluster_are_unknown() -> None:
    assert "Its members are unknown" in members(unreachable()).text
    assert "lists no members" in seen(members(polled(as_node(recorded_stats("stat_leader")[0], 1, peers=()))))

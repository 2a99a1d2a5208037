"""/cm disks, /cm disk, /cm tasks, /cm clusters, /cm help, /cm whoami: what a person reads."""

from collections.abc import Sequence
from typing import Any

import pytest

from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.pull_safety import pull_safety
from bot.alerting.risk_facts import NotRebuilt
from bot.clustermgr.disk_states import DiskListing
from bot.clustermgr.models import Disk
from bot.clustermgr.tasks import DetectedDialect, Dialect, DialectEvidence, EvidenceKind, HostDialect
from bot.common.errors import ClusterTimeout
from bot.interactions.message import Message
from bot.views.clusters import ClusterLine, clusters, clusters_in_full, whoami
from bot.views.disk_list import DiskList, disk_list
from bot.views.disks import disk as disk_card
from bot.views.help import HelpTopic, details, overview
from bot.views.tasks import keys_for, tasks
from tests.support.view_samples import (
    AT,
    HOSTILE,
    assert_harmless,
    assert_postable,
    disk,
    polled,
    recorded_stats,
    seen,
)

DIFFER = DialectEvidence(EvidenceKind.HOSTS_DIFFER, (HostDialect("a", Dialect.V3), HostDialect("b", Dialect.V1)))
V3 = DetectedDialect(Dialect.V3, DialectEvidence(EvidenceKind.PROBED, (HostDialect("10.0.0.1:9998", Dialect.V3),)))


def disks(found: Sequence[Disk], *, asked: Sequence[str] = (), limit: int = 20, **parts: Any) -> Message:
    """Render a list of these disks, which are all of the cluster."""
    return disk_list(DiskList("prod", DiskListing(tuple(found), **parts), found, AT, asked=asked, limit=limit))


def test_disks_are_a_table_with_their_state() -> None:
    shown = disks([disk(1), disk(2, status=1, readonly=True), disk(3, status=9)])
    text = seen(shown)
    assert shown.text == "prod has 3 disks: 1 read-only, 1 broken, 1 in a state unknown to cmbot."
    assert "A disk in an unknown state counts neither as safe nor as room for chunks." in text
    assert "✗ broken" in text
    assert "✓ normal, read-only" in text
    assert "? state 9 (unknown to cmbot)" in text
    assert "256.0 GiB (25 %)" in text


@pytest.mark.parametrize(("status", "warned"), [(1, False), (2, False), (3, False), (4, True), (5, True)])
def test_lists_of_repaired_disks_say_that_a_count_decides(status: int, warned: bool) -> None:
    text = seen(disks([disk(1, status=status)]))
    assert ("before you pull one, count its units" in text) is warned


def test_no_disk_and_more_disks_are_said() -> None:
    assert disks([], asked=["status=broken"]).text == "prod has no disk with `status=broken`."
    many = disks([disk(n) for n in range(1, 7)], asked=["idc=z0", "host=h"], limit=5)
    assert many.text.startswith("prod has 6 disks with `idc=z0` and `host=h`. 5 are shown: narrow it with status=,")
    assert "/data6" not in seen(many)
    assert "All 6 disks: 6 broken." in seen(many)


def test_parts_of_the_list_that_were_not_read_are_said() -> None:
    text = seen(disks([disk(1, status=1)], dropping=None, expired=None, complete=False))
    assert "prod has at least 1 disk: 1 normal." in text
    assert "The list was read up to 1 disk, which is the limit; the rest is not known." in text
    assert "The list of disks being dropped could not be read" in text
    assert "it is not known if disks have lost their heartbeat" in text


@pytest.mark.parametrize(
    ("inferred", "text"),
    [
        ((), "By the leader's counters 3 disks have lost the heartbeat; no call names them."),
        ((1,), "By the leader's counters 3 disks have lost the heartbeat; 2 of them cannot be named."),
        ((1, 2, 4), "By the leader's counters 3 disks have lost the heartbeat."),
    ],
)
def test_disks_without_heartbeat_are_counted_and_named_as_inferred(inferred: tuple[int, ...], text: str) -> None:
    shown = seen(disks([disk(n, status=1) for n in range(1, 5)], expired=3, inferred=frozenset(inferred)))
    assert text in shown
    assert shown.count("✓ normal, no heartbeat (inferred)") == len(inferred)


def test_placeholders_are_not_links() -> None:
    """Slack reads <id> as a link to nowhere unless it is escaped."""
    shown = (
        disks([disk(1)], limit=5),
        clusters([ClusterLine("prod", 3, ClusterNote(at=AT, level="healthy"))], now=AT),
    )
    feet = [[block for block in each.blocks if block["type"] == "context"][-1]["elements"][0]["text"] for each in shown]
    assert [foot.rpartition(": ")[2] for foot in feet] == ["`/cm disk &lt;id&gt;`", "`/cm stat &lt;cluster&gt;`"]


def test_the_largest_list_of_long_names_is_postable() -> None:
    found = [disk(n, host="h" * 400, path="p" * 400) for n in range(1, 100)]
    assert_postable(disks(found, limit=90))


def test_single_disk_shows_all_its_facts() -> None:
    found = disk(7, status=4, rack="r1", max_chunk_cnt=10, free_chunk_cnt=4, used_chunk_cnt=6)
    shown = disk_card("prod", found, pull_safety(found, None, AT), at=AT)
    text = seen(shown)
    assert shown.text.startswith("Disk #7 of prod is repaired: /data7 on http://10.0.0.7:8899 in zone z0, 25 %")
    assert "*Do not pull*: its units could not be counted" in text
    assert "■ repaired" in text
    assert "`z0`, `r1`" in text
    assert "6 used, 4 free of 10" in text


def test_hostile_disks_are_harmless() -> None:
    mean = disk(1, host=HOSTILE, idc=HOSTILE, path=HOSTILE, rack=HOSTILE, create_time=HOSTILE)
    assert_harmless(disks([mean], asked=[f"idc={HOSTILE}"], limit=5))
    assert_harmless(disk_card("prod", mean, pull_safety(mean, (1 << 32,), AT), at=AT))


def test_tasks_show_the_stored_value_and_its_effect() -> None:
    switches = {"balance": "true", "disk_repair": "Enable", "disk_drop": None, "blob_delete": "false"}
    shown = tasks(polled(recorded_stats("stat_leader")[0], switches=switches), V3)
    text = seen(shown)
    assert "It uses the dialect *v3* (on is `true`, off is `false`): 10.0.0.1:9998 answered /kv/list." in text
    for row in (
        '⚠ meaningless here disk_repair ? not read "Enable" ◌ unset disk_drop ? not read nothing ? not read',
        '⚪ off blob_delete ? not read "false" 🟢 on balance ? not read "true"',
    ):
        assert " ".join(row.split()) in " ".join(text.split())
    assert "only true means on here, so services read it as off" in text
    assert "1 on, 1 off, 1 unset, 1 meaningless, 5 not read" in shown.text
    assert shown.blocks[0]["text"]["text"] == f"*{shown.text}*", "the dialect is small print"


def test_tasks_of_a_v1_cluster_use_its_keys() -> None:
    verdict = DetectedDialect(Dialect.V1, DialectEvidence(EvidenceKind.PINNED), pinned=True)
    text = seen(tasks(polled(recorded_stats("stat_leader")[0], switches={"vol_inspect": "Enable"}), verdict))
    assert "volume_inspect (vol_inspect)" in text
    assert "data_inspect" not in text


def test_tasks_without_a_known_dialect_explain_both() -> None:
    verdict = DetectedDialect(None, DIFFER)
    shown = tasks(polled(recorded_stats("stat_leader")[0], switches={"balance": "Enable"}), verdict)
    assert "v1: on; v3: meaningless" in seen(shown)
    assert "its hosts differ: a speaks v3, b speaks v1." in seen(shown)
    assert "1 unknown" in shown.text


def test_tasks_that_could_not_be_read_are_not_called_unset() -> None:
    text = seen(tasks(polled(ClusterTimeout("10.0.0.1:9998 is slow."), switches={}), V3))
    assert "unset" not in text
    assert "prod has no leader that answers, so its switches cannot be read now" in text


def test_hostile_switches_are_harmless() -> None:
    shown = tasks(
        polled(recorded_stats("stat_leader")[0], switches={"balance": HOSTILE}),
        DetectedDialect(None, DialectEvidence(EvidenceKind.UNANSWERED, errors=(HOSTILE,))),
    )
    assert_postable(shown)
    assert_harmless(shown)


def test_switch_keys_of_both_dialects_are_read_while_unknown() -> None:
    assert set(keys_for(Dialect.V1)) | set(keys_for(Dialect.V3)) == set(keys_for(None))
    assert len(set(keys_for(None))) == len(keys_for(None))


def test_clusters_are_listed_as_last_seen() -> None:
    noted = ClusterNote(AT - 12, "healthy", leader=2, leader_host="10.0.0.2:9998", term=5)
    shown = clusters([ClusterLine("prod", 3, noted), ClusterLine("new", 1, ClusterNote())], now=AT)
    text = " ".join(seen(shown).split())
    assert shown.text == "1 of 2 clusters is healthy, 1 not polled yet."
    assert "⚪ *new* not polled yet 🟢 Healthy: *prod*; polled 12 s ago" in text
    full = clusters_in_full([ClusterLine("prod", 3, noted), ClusterLine("new", 1, ClusterNote())], now=AT)
    table = " ".join(seen(full).split())
    assert "🟢 healthy prod 2 at 10.0.0.2:9998 5 3 12 s ago" in table
    assert "⚪ not polled yet new - - 1 never" in table


def test_what_is_wrong_comes_first_and_healthy_clusters_are_one_line() -> None:
    well = [ClusterLine(f"c{n}", 3, ClusterNote(AT - n, "healthy", term=5)) for n in range(3)]
    sick = ClusterLine("sick", 3, ClusterNote(AT - 5, "degraded", "sick is degraded: 1 disk is broken."))
    dead = ClusterLine("dead", 3, ClusterNote(AT - 5, "unreachable", "dead is unreachable: no host answers."))
    old = ClusterLine("old", 3, ClusterNote(AT - 900, "healthy", term=5))
    lines = seen(clusters([*well, sick, old, dead], now=AT)).split("\n")
    assert lines[1:5] == [
        "⚫ *dead* is unreachable: no host answers. (polled 5 s ago)",
        "🟡 *sick* is degraded: 1 disk is broken. (polled 5 s ago)",
        "⚪ *old* was healthy, and was not polled again: polled 15 min ago",
        "🟢 Healthy: *c0*, *c1* and *c2*; all polled in the last 2 s",
    ]


def test_unhealthy_clusters_name_reasons_and_are_escaped() -> None:
    noted = ClusterNote(AT, "no leader", f"bad has no leader: {HOSTILE}", term=6)
    shown = clusters([ClusterLine("bad", 3, noted)], now=AT)
    full = clusters_in_full([ClusterLine("bad", 3, noted)], now=AT)
    assert "🔴 no leader bad none 6 3 0 s ago" in " ".join(seen(full).split())
    assert "• bad has no leader: " in seen(full)
    assert "🔴 *bad* has no leader: " in seen(shown)
    assert_harmless(shown)
    assert_harmless(full)


def test_a_thousand_clusters_fit_and_none_is_said() -> None:
    noted = (ClusterNote(), ClusterNote(AT, "healthy"), ClusterNote(AT, "critical", "x" * 900))
    for note in noted:
        lines = [ClusterLine(f"c{n}{'-' * 50}", 3, note) for n in range(1000)]
        assert_postable(clusters(lines, now=AT))
        assert_postable(clusters_in_full(lines, now=AT))
    assert clusters([], now=AT).text == "No cluster is configured."


def test_help_fits_and_escapes_its_usage() -> None:
    topic = HelpTopic("/cm x", "/cm x <id>", "Does x.", "operators", (("<id>", "which"),), ("/cm x 1",), "A note.")
    text = seen(overview([topic] * 40, [f"c{n}" for n in range(30)]))
    assert "`/cm x &lt;id&gt;`" in text
    assert "_(operators only)_" in text
    assert "and 10 more" in text
    assert_postable(overview([topic] * 40, ["prod"]))
    one = seen(details(topic))
    for part in ("*/cm x*: Does x.", "`&lt;id&gt;` which", "*For example*\n`/cm x 1`", "A note.", "For operators."):
        assert part in one


@pytest.mark.parametrize("hostile", [HOSTILE])
def test_whoami_shows_ids_and_reasons(hostile: str) -> None:
    shown = whoami("U1", "C1", ["You may look.", hostile])
    assert "You are <@U1> (`U1`), in <#C1> (`C1`)." in seen(shown)
    assert "• You may look." in seen(shown)
    assert_harmless(shown)


@pytest.mark.parametrize("status", [1, 2, 3, 4, 5, 9])
def test_units_left_on_a_disk_of_any_state_are_named(status: int) -> None:
    found = disk(3, status=status)
    left = disk_card("prod", found, pull_safety(found, (7 << 32 | 1, 9 << 32 | 2), 1.0), at=1.0)
    assert "Do not pull: 2 units of 2 volumes are still on it" in left.text
    assert "(#7, #9)" in left.text
    assert "Safe to pull" not in left.text


@pytest.mark.parametrize("status", [0, 9])
def test_disk_in_an_unknown_state_without_a_unit_is_not_safe_to_pull(status: int) -> None:
    found = disk(3, status=status)
    text = disk_card("prod", found, pull_safety(found, (), 1.0), at=1.0).text
    assert "Do not pull: no unit is on it" in text
    assert "Safe to pull" not in text


@pytest.mark.parametrize("status", [2, 3, 4, 5])
def test_disk_without_a_unit_is_safe_to_pull(status: int) -> None:
    found = disk(3, status=status)
    assert "Safe to pull: no unit left" in disk_card("prod", found, pull_safety(found, (), 1.0), at=1.0).text


def test_disk_in_use_without_a_unit_is_not_safe_to_pull() -> None:
    found = disk(3, status=1)
    empty = disk_card("prod", found, pull_safety(found, (), 1.0), at=1.0)
    assert "Do not pull yet: no unit is on it" in empty.text
    assert "Safe to pull" not in empty.text
    retired = disk(3, status=1, readonly=True)
    assert "Safe to pull" in disk_card("prod", retired, pull_safety(retired, (), 1.0), at=1.0).text


@pytest.mark.parametrize("why", NotRebuilt)
def test_disk_says_that_margins_may_be_smaller(why: NotRebuilt) -> None:
    found = disk(3, status=4)
    assert "each margin may be smaller" in seen(disk_card("prod", found, pull_safety(found, (), 1.0, why), at=1.0))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("2026-10-16T22:31:49.426598144Z", "<!date^1792189909^"),
        ("2026-10-16T22:31:49+08:00", "<!date^1792161109^"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("<!channel> yesterday", "&lt;!channel&gt; yesterday"),
    ],
)
def test_times_of_a_disk_are_dates(written: str, shown: str) -> None:
    found = disk(3, status=4, create_time=written)
    assert shown in seen(disk_card("prod", found, pull_safety(found, (), 1.0), at=1.0))

"""Each rule against the situations it is there for."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from bot.alerting.cluster_state.state import ClusterState, update
from bot.alerting.details import DisksBroken
from bot.alerting.model import Alert, AlertState, Finding, Severity
from bot.alerting.rules.base import CANNOT_TELL, Answer, RuleContext
from bot.alerting.rules.table import INHIBITS, NEVER_WILDCARD_SILENCED, RULES, rule_named
from bot.clustermgr.models import Disk, HostAnswer, Snapshot
from tests.support.alert_words import lines, outcome, sentence, words
from tests.support.watch_builders import dark, disk, host, polled, stat


def context(now: Snapshot, previous: Snapshot | None = None, past: ClusterState | None = None) -> RuleContext:
    known = past if past is not None else (update(ClusterState(), previous) if previous else ClusterState())
    return RuleContext(now, update(known, now), now.at, previous)


def ask(rule: str, view: RuleContext) -> Answer:
    found = rule_named(rule)
    assert found is not None
    return found.answer(view)


@dataclass(frozen=True)
class Case:
    """A look (15 s after the one before), and what the rule says: sentences by subject, None when it cannot tell."""

    rule: str
    now: Snapshot
    says: dict[str, str] | None
    severity: Severity = Severity.WARNING
    before: Snapshot | None = field(default_factory=lambda: polled(85))


def disks(*found: Disk) -> Snapshot:
    return polled(100, bad=found)


CRITICAL = Severity.CRITICAL
RISK = "prod is one failure from losing writes: "
NOT_HEARD = RISK + "voter 3 is unhealthy (the leader has not heard from it lately)."
UNPROVEN = RISK + "voter 3 is not proven healthy (its own host missed one of two polls: it did not answer in time)."
INACTIVE = {3: {"active": False}}
CASES = [
    Case("disk_broken", disks(), {}),
    Case("disk_broken", disks(disk(7)), {"": "1 disk of prod is broken."}),
    Case("disk_broken", disks(disk(7), disk(9)), {"": "2 disks of prod are broken."}),
    Case("disk_broken", disks(disk(7), disk(9, 3)), {"": "1 disk of prod is broken, 1 more is being repaired."}),
    Case("disk_broken", disks(disk(7, 3), disk(9, 3)), {"": "2 disks of prod are being repaired."}),
    Case("disk_broken", polled(100, bad=None), None),
    Case("disk_broken", polled(100, bad=None, broken=3), None),
    Case(
        "disk_broken",
        polled(100, bad=None, broken=3),
        {"": "3 disks of prod are broken, by the leader's counters: the disks cannot be listed now."},
        before=None,
    ),
    Case("disk_broken", dark(100), None),
    Case("leader_changed", polled(100), {}),
    Case("leader_changed", polled(100, term=9), {}),
    Case("leader_changed", polled(100, leader=0), None),
    Case(
        "leader_changed",
        polled(100, leader=2, term=6),
        {"": "The leader of prod changed from peer 1 to peer 2 in term 6."},
    ),
    Case(
        "leader_changed",
        polled(100 + 7200, leader=2, term=6),
        {"": "While cmbot did not poll (for 2 h at most), the leader of prod changed from peer 1 to peer 2 in term 6."},
        before=polled(100),
    ),
    Case("no_leader", polled(100), {}),
    Case("no_leader", polled(100, silent=(1,)), None),
    Case("no_leader", dark(100), None),
    Case(
        "no_leader",
        polled(100, leader=0),
        {"": "prod accepts no writes: it has no leader. 3 of 3 hosts answer, and none knows one."},
        CRITICAL,
    ),
    Case(
        "no_leader",
        polled(100, leader=0, silent=(2, 3)),
        {"": "prod accepts no writes: it has no leader. 1 of 3 hosts answers, and none knows one."},
        CRITICAL,
    ),
    Case("host_unreachable", polled(100), {}),
    Case(
        "host_unreachable",
        polled(100, silent=(2,)),
        {host(2): "Host `10.0.0.2:9998` of prod does not answer: it did not answer in time."},
    ),
    Case("cluster_unreachable", polled(100, silent=(1, 2)), {}),
    Case(
        "cluster_unreachable",
        dark(100),
        {"": "prod is unreachable: none of its 3 hosts gave a usable answer. Its state is unknown."},
        CRITICAL,
    ),
    Case("peer_down", polled(100), {}),
    Case("peer_down", polled(100, leader=0), None),
    Case(
        "peer_down",
        polled(100, peers=INACTIVE),
        {"3": "Voter 3 (`10.0.0.3:10110`) of prod is down: the leader has not heard from it lately."},
    ),
    Case(
        "peer_down",
        polled(100, peers={2: {"state": "StateProbe"}, 3: {"paused": True}}),
        {
            "2": "Voter 2 (`10.0.0.2:10110`) of prod is down: the leader only probes it.",
            "3": "Voter 3 (`10.0.0.3:10110`) of prod is down: replication to it is paused.",
        },
    ),
    Case("peer_down", polled(100, peers={1: {"active": False}}), {}),
    Case("peer_down", polled(100, peers={3: {"state": "StateSnapshot", "pending_snapshot": 9}}), {}),
    Case(
        "peer_down",
        polled(100, peers={3: {"active": False, "is_learner": True}}),
        {"3": "Learner 3 (`10.0.0.3:10110`) of prod is down: the leader has not heard from it lately."},
        Severity.INFO,
    ),
    Case("read_only", polled(100), {}),
    Case("read_only", polled(100, read_only=None), None),
    Case("read_only", polled(100, silent=(1,), read_only=True), None),
    Case(
        "read_only",
        polled(100, read_only=True),
        {"": "The leader of prod reports `read_only`, set in its configuration."},
    ),
    Case("quorum_at_risk", polled(100), {}),
    Case("quorum_at_risk", polled(100, leader=0), None),
    Case("quorum_at_risk", polled(100, peers=INACTIVE), None, before=None),
    Case("quorum_at_risk", polled(100, peers=INACTIVE, term=6), None),
    Case("quorum_at_risk", polled(100, peers=INACTIVE), None, before=polled(98)),
    Case("quorum_at_risk", polled(100, peers=INACTIVE), {"": NOT_HEARD}, CRITICAL),
    Case("quorum_at_risk", polled(100, silent=(3,)), {"": UNPROVEN}, Severity.WARNING),
    Case(
        "quorum_at_risk",
        polled(100, peers={2: {"active": False}, **INACTIVE}),
        {"": "prod may be refusing writes: only 1 of 3 voters is proven healthy, and 2 must agree."},
        CRITICAL,
    ),
    Case(
        "quorum_at_risk",
        polled(100, members=(1, 2), nodes=(1, 2)),
        {"": RISK + "all of its 2 voters must agree."},
        CRITICAL,
        before=polled(85, members=(1, 2), nodes=(1, 2)),
    ),
    Case(
        "quorum_at_risk",
        polled(100, members=(1,), nodes=(1,)),
        {},
        before=polled(85, members=(1,), nodes=(1,)),
    ),
    Case(
        "quorum_at_risk",
        polled(100, members=(1, 2, 3, 4, 5), peers=INACTIVE),
        {},
        before=polled(85, members=(1, 2, 3, 4, 5)),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.says}"[:70])
def test_rule_finding_for_each_snapshot(case: Case) -> None:
    answer = ask(case.rule, context(case.now, case.before))
    if case.says is None:
        assert answer is CANNOT_TELL
        return
    assert answer is not CANNOT_TELL
    assert {finding.subject: sentence(finding) for finding in answer} == case.says
    assert all(finding.rule == case.rule and finding.severity is case.severity for finding in answer)


def only(answer: Answer) -> Finding:
    assert answer is not CANNOT_TELL
    [finding] = answer
    return finding


def test_broken_disk_has_host_path_zone_and_state() -> None:
    finding = only(ask("disk_broken", context(disks(disk(9, 3), disk(7)))))
    assert lines(finding) == (
        "not judged: the volumes on bad disks cannot be read now",
        "disk #7 on `http://10.0.1.7:8889`, path `/data/7`, zone `z0`: broken",
        "disk #9 on `http://10.0.1.9:8889`, path `/data/9`, zone `z0`: being repaired",
    )
    assert (finding.weight, finding.parts) == (2, ("7", "9"))


def test_thousands_of_broken_disks_stay_bounded() -> None:
    finding = only(ask("disk_broken", context(polled(100, bad=[disk(n) for n in range(4000)]))))
    assert sentence(finding) == "4,000 disks of prod are broken."
    assert (len(lines(finding)), words(finding).more, finding.weight) == (51, 3950, 4000)
    assert len(finding.parts or ()) == 1000


def test_counters_alone_resolve_nothing() -> None:
    past = replace(ClusterState(), disks=update(ClusterState(), disks(disk(7))).disks)
    finding = only(ask("disk_broken", context(polled(100, bad=None, broken=3), past=past)))
    assert lines(finding) == (
        "not judged: the volumes on bad disks cannot be read now",
        "when last listed: disk #7 on `http://10.0.1.7:8889`, path `/data/7`, zone `z0`: broken",
    )
    finding = only(ask("disk_broken", context(polled(100, bad=None, broken=3))))
    assert finding.partial
    assert ask("disk_broken", context(polled(100, bad=None, broken=0))) is CANNOT_TELL


def test_hostile_text_is_one_bounded_line() -> None:
    evil = Disk(disk_id=7, status=2, host="<!channel>\n" * 1000, path="\u202e\x00\u200b", idc="z" * 5000)
    finding = only(ask("disk_broken", context(polled(100, bad=(evil,)))))
    _, line = lines(finding)
    assert "\n" not in line
    assert len(line) < 400
    assert line.isprintable()


def test_many_changes_of_leader_are_one_finding_that_grows() -> None:
    state = ClusterState()
    weights = []
    for turn in range(4):
        view = context(polled(100 + 60 * turn, leader=1 + turn % 2, term=5 + turn), past=state)
        state = view.state
        answer = ask("leader_changed", view)
        assert answer is not CANNOT_TELL
        weights.append([finding.weight for finding in answer])
    assert weights == [[], [1], [2], [3]]
    finding = only(ask("leader_changed", view))
    assert sentence(finding) == ("The leader of prod changed 3 times in 2 min, last from peer 1 to peer 2 in term 8.")
    later = context(polled(100 + 180 + 600, leader=2, term=8), past=state)
    assert ask("leader_changed", later) == ()


def test_changing_lag_causes_no_edit() -> None:
    def text_of(match: int) -> str:
        lagging = {3: {"match": match}}
        return words(
            only(ask("quorum_at_risk", context(polled(100, peers=lagging), polled(85, peers=lagging))))
        ).sentence

    assert text_of(-5000) == text_of(-5100) == RISK + "voter 3 is unhealthy (it is over 1,000 entries behind)."


def open_alert(rule: str, subject: str = "", disks: Sequence[int] = (), repairing: Sequence[int] = ()) -> Alert:
    detail = DisksBroken(len(disks) - len(repairing), len(repairing), repairing_ids=tuple(repairing))
    parts = tuple(str(disk) for disk in disks)
    return Alert("prod", rule, subject, AlertState.FIRING, Severity.WARNING, detail, 0, parts=parts)


RESOLUTIONS = [
    (
        "disk_broken",
        open_alert("disk_broken", disks=[7]),
        "Disk #7 of prod was repaired or dropped.",
    ),
    (
        "disk_broken",
        open_alert("disk_broken", disks=[8], repairing=[8]),
        "Disk #8 of prod was repaired.",
    ),
    (
        "disk_broken",
        open_alert("disk_broken", disks=[7, 8], repairing=[8]),
        "Disks #7 and #8 of prod were repaired or dropped.",
    ),
    ("disk_broken", open_alert("disk_broken"), "No disk of prod is broken or being repaired."),
    ("no_leader", open_alert("no_leader"), "prod has a leader again: peer 1 in term 5."),
    (
        "leader_changed",
        open_alert("leader_changed"),
        "The leader of prod has not changed again: peer 1 has led for 15 s.",
    ),
    ("peer_down", open_alert("peer_down", "3"), "Peer 3 of prod replicates again."),
    ("peer_down", open_alert("peer_down", "9"), "Peer 9 is no longer a member of prod."),
    ("host_unreachable", open_alert("host_unreachable", host(1)), "Host `10.0.0.1:9998` of prod answers again."),
    ("host_unreachable", open_alert("host_unreachable", "h:1"), "Host `h:1` is no longer configured for prod."),
    ("cluster_unreachable", open_alert("cluster_unreachable"), "prod answers again: 3 of 3 hosts."),
    ("read_only", open_alert("read_only"), "The leader of prod no longer reports `read_only`."),
    (
        "quorum_at_risk",
        open_alert("quorum_at_risk"),
        "The quorum of prod is safe again: 2 of 3 voters must agree.",
    ),
]


@pytest.mark.parametrize(("rule", "alert", "words"), RESOLUTIONS)
def test_resolution_names_the_outcome(rule: str, alert: Alert, words: str) -> None:
    found = rule_named(rule)
    assert found is not None
    before = polled(85, bad=(disk(7), disk(8, 3)))
    end = found.resolved(context(replace(polled(100), chunks={7: 0, 8: 0}), before), alert)
    assert outcome(end, alert) == words


def test_rule_table_is_consistent() -> None:
    keys = [rule.key for rule in RULES]
    assert len(set(keys)) == len(keys)
    assert set(NEVER_WILDCARD_SILENCED) | set(INHIBITS) | set().union(*INHIBITS.values()) <= set(keys)
    assert not any(key in others for key, others in INHIBITS.items())
    assert {"volumes_lost", "disk_not_empty"} <= NEVER_WILDCARD_SILENCED


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.key)
@pytest.mark.parametrize(
    "now",
    [
        Snapshot("prod", 100, ()),
        dark(100),
        replace(polled(100), answers=(HostAnswer("h:1", 0.1, stat(0, 0, 0)),)),
        replace(polled(100), answers=(HostAnswer("h:1", 0.1, stat(1, 1, members=())),)),
        replace(polled(100), answers=(HostAnswer(host(1), 0.1, stat(1, 1)), HostAnswer(host(2), 0.1, stat(2, 2)))),
    ],
    ids=["no hosts", "dark", "zeros", "no peers", "two leaders"],
)
def test_rules_accept_unusual_snapshots(rule: object, now: Snapshot) -> None:
    answer = rule.answer(context(now, polled(85)))  # type: ignore[attr-defined]
    assert answer is CANNOT_TELL or isinstance(answer, tuple)


def test_units_on_a_recovered_disk_are_named() -> None:
    rule = rule_named("disk_broken")
    assert rule is not None
    alert = open_alert("disk_broken", disks=[3], repairing=[3])
    left = RuleContext(replace(polled(100), chunks={3: 1}), ClusterState(), 100.0)
    said = outcome(rule.resolved(left, alert), alert)
    assert said == "Disk #3 of prod was repaired, but 1 unit on disk #3 is left: do not pull it."


@pytest.mark.parametrize(
    ("chunks", "words"),
    [
        (
            None,
            (
                "Disks #7 and #8 of prod were repaired, but the units left on disks #7 and #8 could not be counted: "
                "do not pull one before `/cm disk N prod` shows that no unit is left."
            ),
        ),
        (
            {7: 0},
            (
                "Disks #7 and #8 of prod were repaired, but the units left on disk #8 could not be counted: "
                "do not pull it before `/cm disk 8 prod` shows that no unit is left."
            ),
        ),
        (
            {7: 2},
            (
                "Disks #7 and #8 of prod were repaired, but 2 units on disk #7 are left: do not pull it; and the units "
                "left on disk #8 could not be counted: "
                "do not pull it before `/cm disk 8 prod` shows that no unit is left."
            ),
        ),
        ({7: 0, 8: 0}, "Disks #7 and #8 of prod were repaired."),
    ],
)
def test_units_that_could_not_be_counted_are_no_proof(chunks: dict[int, int] | None, words: str) -> None:
    rule = rule_named("disk_broken")
    assert rule is not None
    alert = open_alert("disk_broken", disks=[7, 8], repairing=[7, 8])
    end = rule.resolved(RuleContext(replace(polled(100), chunks=chunks), ClusterState(), 100.0), alert)
    assert outcome(end, alert) == words

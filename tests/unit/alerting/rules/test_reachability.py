"""The rules about reaching hosts: who is silent, who errs, who refuses the token, who is slow, and what says enough."""

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.alerting.model import Finding, Severity
from bot.alerting.rules.base import CANNOT_TELL, RuleContext
from bot.clustermgr.models import HostAnswer, Snapshot
from bot.common.errors import (
    AuthRejected,
    ClusterBadAnswer,
    ClusterError,
    ClusterFailed,
    ClusterTimeout,
    ClusterUnreachable,
    NoLeader,
    NotFound,
)
from bot.store.state_codec import decode_state, encode_state
from tests.support.alert_words import lines, sentence
from tests.support.raft_snapshots import after, ask, failing, grades, having, resolution, said
from tests.support.watch_builders import dark, host, polled

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
NO_TOKEN = AuthRejected("No.", status=403)
GARBLED = ClusterBadAnswer("What?")
FAILED = ClusterFailed("It failed after 0.3 s.", status=502)


def no_disks(at: float, error: ClusterError, **stats: Any) -> Snapshot:
    return replace(polled(at, bad=None, **stats), disks_error=error)


@dataclass(frozen=True)
class Case:
    """A look, and what the rule says of it: sentences by subject, None when it cannot tell."""

    rule: str
    now: Snapshot
    says: dict[str, str] | None
    severity: Severity = WARNING


STRANGE = f"Host `{host(2)}` of prod gives no usable answer: "
LEADS = f"The leader of prod, `{host(1)}`, answers `/stat` but not `/disk/list`: "
CASES = [
    Case("host_unreachable", failing(polled(100), 2, error=NO_TOKEN), {}),
    Case("host_unreachable", failing(polled(100), 2, error=GARBLED), {}),
    Case("host_unreachable", failing(polled(100), 2, error=FAILED), {}),
    Case(
        "host_unreachable",
        failing(polled(100), 2, error=ClusterUnreachable("h refuses connections.")),
        {host(2): f"Host `{host(2)}` of prod does not answer: it accepts no connection."},
    ),
    Case(
        "host_unreachable",
        failing(polled(100), 2, error=ClusterTimeout("No answer within 4.98 s.")),
        {host(2): f"Host `{host(2)}` of prod does not answer: it did not answer in time."},
    ),
    Case(
        "host_unreachable",
        replace(polled(100), answers=(HostAnswer(host(2), 0.1),)),
        {host(2): f"Host `{host(2)}` of prod does not answer: it sent nothing."},
    ),
    Case("api_error", polled(100), {}),
    Case("api_error", polled(100, silent=(2,)), {}),
    Case("api_error", failing(polled(100), 2, error=NO_TOKEN), {}),
    Case("api_error", failing(polled(100), 2, error=GARBLED), {host(2): STRANGE + "its answer is unreadable."}),
    Case(
        "api_error",
        failing(polled(100), 2, error=FAILED),
        {host(2): STRANGE + "it failed to answer (status 502)."},
    ),
    Case(
        "api_error",
        failing(polled(100), 2, error=NotFound("No such page.", status=404)),
        {host(2): STRANGE + "it refused to answer (status 404)."},
    ),
    Case("api_error", no_disks(100, FAILED), {host(1): LEADS + "it failed to answer (status 502)."}),
    Case("api_error", no_disks(100, ClusterTimeout("?")), {host(1): LEADS + "it did not answer in time."}),
    Case("api_error", no_disks(100, NO_TOKEN), {}),
    Case("api_error", no_disks(100, NoLeader("?", status=907), leader=0), {}),
    Case("auth_rejected", polled(100), {}),
    Case("auth_rejected", polled(100, silent=(1, 2)), {}),
    Case("auth_rejected", dark(100), None),
    Case(
        "auth_rejected",
        failing(polled(100), 2, error=NO_TOKEN),
        {"": "prod rejects the request token: 1 of 3 hosts answered 403."},
    ),
    Case(
        "auth_rejected",
        failing(polled(100), 1, 2, 3, error=NO_TOKEN),
        {"": "prod rejects the request token: every host answered 403. Its state is unknown."},
        CRITICAL,
    ),
    Case(
        "auth_rejected",
        no_disks(100, AuthRejected("No.", status=403, host=host(1))),
        {"": "prod rejects the request token: 1 of 3 hosts answered 403."},
    ),
    Case("slow_answers", polled(100), {}),
    Case("slow_answers", dark(100), {}),
    Case("slow_answers", having(polled(100), 2, took=2), {}),
    Case(
        "slow_answers",
        having(polled(100), 2, took=2.01),
        {host(2): f"Host `{host(2)}` of prod is slow: each answer to `/stat` takes more than 2 s."},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.says}"[:70])
def test_rule_finding_for_each_snapshot(case: Case) -> None:
    answer = ask(case.rule, after(case.now))
    assert said(answer) == case.says
    assert grades(answer) <= {case.severity}


def only(rule: str, view: RuleContext) -> Finding:
    answer = ask(rule, view)
    assert answer is not CANNOT_TELL
    [finding] = answer
    return finding


def covered(finding: Finding) -> list[tuple[str, str]]:
    return [(rule, subject) for rule, subject in finding.covers]


def test_silent_host_with_active_peer_is_a_network_fault() -> None:
    finding = only("host_unreachable", after(polled(85), polled(100, silent=(3,))))
    assert lines(finding) == ("the leader still hears from its peer 3: only its HTTP address is unreachable from here",)
    assert covered(finding) == [("quorum_at_risk", "")]


def test_silent_host_with_lost_voter_keeps_quorum_alert() -> None:
    lost = polled(100, silent=(3,), peers={3: {"active": False}})
    finding = only("host_unreachable", after(polled(85), lost))
    assert (lines(finding), covered(finding)) == ((), [])
    assert covered(only("api_error", after(polled(85), failing(lost, 2, error=GARBLED)))) == []
    two = polled(100, silent=(3,), peers={2: {"active": False}})
    assert covered(only("host_unreachable", after(polled(85), two))) == []


def test_silent_leader_host_makes_the_watch_stale() -> None:
    finding = only("host_unreachable", after(polled(85), polled(100, silent=(1,))))
    assert lines(finding) == (
        "the others name its peer 1 as leader: until it answers, cmbot sees no peers, disks or space",
    )


def test_silent_host_of_a_removed_member_is_named() -> None:
    finding = only("host_unreachable", after(polled(85), polled(100, silent=(3,), members=(1, 2))))
    assert finding.severity is INFO
    assert sentence(finding) == f"Host `{host(3)}` of prod does not answer; its peer 3 was removed from the cluster."
    assert lines(finding) == ("remove the host from `clusters[].hosts`; cmbot then stops polling it",)


def test_lost_peer_inhibits_its_host() -> None:
    lost = polled(100, silent=(3,), members=(1, 2, 3, 4, 5), peers={3: {"active": False}})
    finding = only("peer_down", after(polled(85, members=(1, 2, 3, 4, 5)), lost))
    assert lines(finding) == (f"its host `{host(3)}` gives no usable answer",)
    assert covered(finding) == [("host_unreachable", host(3)), ("peer_lagging", "3")]


def test_quorum_at_risk_inhibits_its_voters() -> None:
    lost = polled(100, silent=(3,), peers={3: {"active": False}})
    finding = only("quorum_at_risk", after(polled(85), lost))
    assert lines(finding) == (
        "2 of 3 voters are proven healthy, and 2 must agree",
        f"its host `{host(3)}` gives no usable answer",
    )
    assert covered(finding) == [("peer_down", "3"), ("host_unreachable", host(3)), ("peer_lagging", "3")]
    assert covered(only("quorum_at_risk", after(polled(85), polled(100, silent=(3,))))) == []


def test_no_leader_inhibits_silent_hosts() -> None:
    finding = only("no_leader", after(polled(85), polled(100, leader=0, silent=(1,))))
    assert lines(finding) == (
        "the last known leader was peer 1 in term 5",
        f"`{host(1)}` gives no usable answer",
    )
    assert covered(finding) == [("host_unreachable", host(1)), ("api_error", host(1))]


def test_rejected_token_is_not_an_unreachable_cluster() -> None:
    view = after(failing(polled(100), 1, 2, 3, error=NO_TOKEN))
    assert covered(only("auth_rejected", view)) == [("cluster_unreachable", "")]
    assert covered(only("cluster_unreachable", view)) == []
    mixed = after(failing(failing(polled(100), 1, 2, error=NO_TOKEN), 3, error=ClusterTimeout("?")))
    assert covered(only("auth_rejected", mixed)) == []
    one = after(polled(85), failing(polled(100), 2, error=NO_TOKEN))
    assert covered(only("auth_rejected", one)) == [("quorum_at_risk", "")]
    assert covered(only("api_error", after(polled(85), failing(polled(100), 2, error=GARBLED)))) == [
        ("quorum_at_risk", "")
    ]
    assert covered(only("cluster_unreachable", mixed)) == [("auth_rejected", "")]


CALM, SILENT = after(polled(100)), after(polled(100, silent=(2,)))
RESOLUTIONS = [
    (
        "host_unreachable",
        host(2),
        after(failing(polled(100), 2, error=NO_TOKEN)),
        f"Host `{host(2)}` of prod answers again, but it rejected the request token (status 403).",
    ),
    ("api_error", host(2), CALM, f"Host `{host(2)}` of prod gives usable answers again."),
    ("api_error", host(2), SILENT, f"Host `{host(2)}` of prod no longer answers at all."),
    ("api_error", "h:1", CALM, "Host `h:1` is no longer configured for prod."),
    ("auth_rejected", "", CALM, "prod accepts the request token again."),
    ("slow_answers", host(2), CALM, f"Host `{host(2)}` of prod answers quickly again."),
    ("slow_answers", host(2), SILENT, f"Host `{host(2)}` of prod no longer answers at all."),
    ("slow_answers", "h:1", CALM, "Host `h:1` is no longer configured for prod."),
]


@pytest.mark.parametrize(("rule", "subject", "view", "words"), RESOLUTIONS)
def test_resolution_names_the_outcome(rule: str, subject: str, view: RuleContext, words: str) -> None:
    assert resolution(rule, subject, view) == words


def test_rejected_token_alert_stays_while_its_host_is_silent() -> None:
    refused = failing(polled(85), 2, error=NO_TOKEN)
    assert ask("auth_rejected", after(refused, polled(100, silent=(2,)))) is CANNOT_TELL
    assert ask("auth_rejected", after(refused, failing(polled(100), 2, error=FAILED))) is CANNOT_TELL
    assert ask("auth_rejected", after(refused, polled(100, silent=(2,)), polled(115))) == ()
    assert ask("auth_rejected", after(refused, polled(100, silent=(3,)))) == ()


def test_rejected_disk_list_alert_stays_while_leader_is_silent() -> None:
    refused = no_disks(85, AuthRejected("No.", status=403, host=host(1)))
    assert ask("auth_rejected", after(refused, polled(100, silent=(1,)))) is CANNOT_TELL
    assert ask("auth_rejected", after(refused, polled(100))) == ()


def test_rejection_of_a_removed_host_ends() -> None:
    refused = failing(polled(85), 3, error=NO_TOKEN)
    assert ask("auth_rejected", after(refused, polled(100, nodes=(1, 2)))) == ()


def test_rejecting_hosts_survive_the_store() -> None:
    state = after(failing(polled(85), 2, error=NO_TOKEN)).state
    assert state.refusing == (host(2),)
    assert decode_state(json.loads(json.dumps(encode_state(state)))) == state

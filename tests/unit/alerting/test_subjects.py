"""Subjects of silences: the form that the rule's alerts use, and refusals with the known subjects."""

import pytest

from bot.alerting.cluster_state.observations import HostNote
from bot.alerting.cluster_state.state import ClusterState, DiskNote
from bot.alerting.model import Alert, AlertState, LegacyDetail, Severity
from bot.alerting.rules.table import RULES
from bot.alerting.subjects import SUBJECTS, SubjectRefused, subject_of
from bot.views.problem_text.table import problem_text

SEEN = ClusterState(
    voters=(1, 2, 3),
    learners=(5,),
    disks=(DiskNote(7, idc="z1"),),
    hosts=(HostNote("10.0.0.1:9998", 1), HostNote("http://node-2:9998", 2), HostNote("[fd00::3]:9998", 3)),
)
CHUNKS = Alert("prod", "chunks_low", "z0", AlertState.FIRING, Severity.WARNING, LegacyDetail("Few chunks."), 0.0)


def subject(rule: str, typed: str, state: ClusterState = SEEN) -> str | SubjectRefused:
    return subject_of(rule, typed, "prod", state, [CHUNKS])


@pytest.mark.parametrize(
    ("rule", "typed", "meant"),
    [
        ("peer_down", "5", "5"),
        ("peer_down", "", ""),
        ("host_unreachable", "10.0.0.1", "10.0.0.1:9998"),
        ("host_unreachable", "http://10.0.0.1:9998/", "10.0.0.1:9998"),
        ("slow_answers", "NODE-2", "http://node-2:9998"),
        ("stale_host", "[fd00:0::3]:9998", "[fd00::3]:9998"),
        ("chunks_low", "z0", "z0"),
        ("task_off_too_long", "Disk-Repair", "disk_repair"),
        ("task_off_with_work", "vol_inspect", "volume_inspect"),
        ("*", "3", "3"),
        ("*", "node-2", "http://node-2:9998"),
        ("*", "z9", "z9"),
    ],
)
def test_typed_subject_takes_the_alert_form(rule: str, typed: str, meant: str) -> None:
    assert subject(rule, typed) == meant


@pytest.mark.parametrize(
    ("rule", "typed", "words"),
    [
        (
            "peer_down",
            "peer 5",
            'about a peer by its number, and "peer 5" is none. Of prod these are known: 1, 2, 3 and 5.',
        ),
        ("peer_down", "peer 5", "Did you mean subject=5?"),
        ("peer_lagging", "9", "these are known: 1, 2, 3 and 5."),
        ("learner_ready", "10.0.0.1", "a peer by its number"),
        ("disk_broken", "3", "disk_broken is about the whole cluster and has no subject: leave subject= out."),
        ("no_leader", "banana", "no_leader is about the whole cluster"),
        ("host_unreachable", "10.0.0.9", "a host as the settings name it"),
        ("task_off_too_long", "ballance", "a background task"),
    ],
)
def test_unknown_subject_is_refused_with_the_known_ones(rule: str, typed: str, words: str) -> None:
    refused = subject(rule, typed)
    assert isinstance(refused, SubjectRefused)
    assert words in problem_text(refused)


def test_unseen_subject_must_have_a_valid_form() -> None:
    assert subject("peer_down", "7", ClusterState()) == "7"
    assert subject("host_unreachable", "a:1", ClusterState()) == "a:1"
    for rule, typed in (("peer_down", "peer 7"), ("host_unreachable", "banana")):
        assert isinstance(subject(rule, typed, ClusterState()), SubjectRefused)


def test_every_rule_has_a_kind_of_subject() -> None:
    assert set(SUBJECTS) == {rule.key for rule in RULES}

"""Rules and random findings for the property tests of the engine."""

from dataclasses import replace

from hypothesis import strategies as st

from bot.alerting.model import Finding, LegacyDetail, Severity
from bot.alerting.rules.base import Rule
from bot.alerting.rules.table import rule_named


def watched(key: str, for_seconds: float, clear: float, remind: float) -> Rule:
    found = rule_named(key)
    assert found is not None
    return replace(found, for_seconds=for_seconds, clear=clear, remind=remind)


RULES = (
    watched("no_leader", 10, 20, 60),
    watched("disk_broken", 0, 0, 0),
    watched("quorum_at_risk", 20, 15, 50),
    watched("peer_down", 15, 30, 40),
)
KEYS = [rule.key for rule in RULES]


def finding(key: str, subject: str, weight: int, severity: Severity, parts: frozenset[str]) -> Finding:
    words = f"{key} {subject} {weight} {severity} {sorted(parts)}"
    return Finding(key, subject, severity, LegacyDetail(words), weight=weight, parts=tuple(sorted(parts)))


SUBJECTS = {"peer_down": ["2", "3", "4", "5"]}
FOUND = {
    key: st.lists(
        st.builds(
            finding,
            st.just(key),
            st.sampled_from(SUBJECTS.get(key, [""])),
            st.integers(1, 3),
            st.sampled_from(Severity),
            st.frozensets(st.sampled_from("ab")),
        ),
        min_size=1,
        max_size=4,
        unique_by=lambda found: found.subject,
    ).map(tuple)
    for key in KEYS
}

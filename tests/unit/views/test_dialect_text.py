"""Words for the evidence of a dialect: one sentence for each kind."""

import pytest

from bot.clustermgr.tasks import Dialect, DialectEvidence, EvidenceKind, HostDialect
from bot.views.dialect_text import evidence_text

V1, V3 = HostDialect("a", Dialect.V1), HostDialect("b", Dialect.V3)
WORDS = {
    DialectEvidence(EvidenceKind.PINNED): "the settings pin it.",
    DialectEvidence(EvidenceKind.PROBED, (V3,)): "b answered /kv/list.",
    DialectEvidence(EvidenceKind.PROBED, (V1, V1)): "a, a know /config/list and no /kv/list.",
    DialectEvidence(EvidenceKind.HOSTS_DIFFER, (V3, V1)): "its hosts differ: b speaks v3, a speaks v1.",
    DialectEvidence(EvidenceKind.UNANSWERED): "no host answered the probes.",
    DialectEvidence(EvidenceKind.UNANSWERED, errors=("a is slow.", "b is slow.")): (
        "no host answered the probes. a is slow. b is slow."
    ),
    DialectEvidence(EvidenceKind.VALUES, values=Dialect.V1): "every stored switch has a value of v1.",
    DialectEvidence(EvidenceKind.NO_SIGN): "no host answered the probes, and the stored switches do not show it.",
    DialectEvidence(EvidenceKind.NOT_YET): "its hosts have not answered the probes yet.",
    DialectEvidence(EvidenceKind.NOT_YET, chosen=Dialect.V3): (
        "chosen with dialect=v3, because its hosts have not answered the probes yet."
    ),
}


@pytest.mark.parametrize(("evidence", "text"), WORDS.items(), ids=lambda value: getattr(value, "of", ""))
def test_evidence_has_its_sentence(evidence: DialectEvidence, text: str) -> None:
    assert evidence_text(evidence) == text


def test_every_kind_of_evidence_has_words() -> None:
    assert {evidence.of for evidence in WORDS} == set(EvidenceKind)
    assert evidence_text(None) == ""

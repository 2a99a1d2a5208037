"""Words for how the dialect of a cluster was detected. No I/O."""

from bot.clustermgr.tasks import Dialect, DialectEvidence, EvidenceKind


def evidence_text(evidence: DialectEvidence | None) -> str:
    """How the dialect was detected or why it is undecided, in a sentence; "" for none."""
    if evidence is None:
        return ""
    text = _text(evidence)
    return f"chosen with dialect={evidence.chosen}, because {text}" if evidence.chosen else text


def _text(evidence: DialectEvidence) -> str:
    match evidence.of:
        case EvidenceKind.PROBED:
            v3 = any(each.dialect is Dialect.V3 for each in evidence.hosts)
            sign = "answered /kv/list" if v3 else "know /config/list and no /kv/list"
            return f"{', '.join(each.host for each in evidence.hosts)} {sign}."
        case EvidenceKind.HOSTS_DIFFER:
            return f"its hosts differ: {', '.join(f'{each.host} speaks {each.dialect}' for each in evidence.hosts)}."
        case EvidenceKind.UNANSWERED:
            return " ".join(("no host answered the probes.", *evidence.errors))
        case EvidenceKind.VALUES:
            return f"every stored switch has a value of {evidence.values}."
        case kind:
            return _PLAIN[kind]


_PLAIN = {
    EvidenceKind.PINNED: "the settings pin it.",
    EvidenceKind.NO_SIGN: "no host answered the probes, and the stored switches do not show it.",
    EvidenceKind.NOT_YET: "its hosts have not answered the probes yet.",
}

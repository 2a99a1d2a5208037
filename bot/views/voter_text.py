"""Words for the faults of voters and learners. No I/O."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.clustermgr.health import MAX_LAG, HostError, VoterFault, VoterFaultKind

_TEXTS: Mapping[VoterFaultKind, str] = MappingProxyType(
    {
        VoterFaultKind.POLLED_ONCE: "polled only once under this leader and term",
        VoterFaultKind.DOWN: "down: the leader does not hear from it",
        VoterFaultKind.PROBED: "the leader only probes it, because its progress is unknown",
        VoterFaultKind.SNAPSHOT: "a snapshot is on its way to it",
        VoterFaultKind.NOT_HEARD: "the leader has not heard from it lately",
        VoterFaultKind.PAUSED: "replication to it is paused",
        VoterFaultKind.OTHER_LEADER: "its own host names another leader or term",
        VoterFaultKind.TWO_HOSTS: "two hosts answer as this peer",
        VoterFaultKind.ANSWERED_ONCE: "its own host missed one of two polls",
        VoterFaultKind.HOST_UNKNOWN: "its own host does not answer or is not configured",
        VoterFaultKind.NOT_CONFIGURED: "its own host is not configured",
    }
)
_HOST_ERRORS: Mapping[tuple[VoterFaultKind, HostError], str] = MappingProxyType(
    {
        (VoterFaultKind.ANSWERED_ONCE, HostError.UNREACHABLE): (
            "its own host missed one of two polls: it accepted no connection"
        ),
        (VoterFaultKind.ANSWERED_ONCE, HostError.TIMEOUT): (
            "its own host missed one of two polls: it did not answer in time"
        ),
        (VoterFaultKind.HOST_UNKNOWN, HostError.UNREACHABLE): "its own host accepts no connection",
        (VoterFaultKind.HOST_UNKNOWN, HostError.TIMEOUT): "its own host did not answer in time",
    }
)


def condition(fault: object) -> str:
    """The condition of a voter with a fault, or with a text in its place."""
    return "not proven healthy" if isinstance(fault, VoterFault) and fault.unproven else "unhealthy"


def voter_fault_text(fault: VoterFault | None) -> str:
    """A fault as a clause, "" for none; a raft state in it is foreign text, not escaped."""
    if fault is None:
        return ""
    return f"in the previous poll: {_text(fault)}" if fault.earlier else _text(fault)


def _text(fault: VoterFault) -> str:
    match fault.kind:
        case VoterFaultKind.NEW_MEMBER:
            return f"was not a {'learner' if fault.learner else 'voter'} in the previous poll"
        case VoterFaultKind.OTHER_STATE:
            return f"the leader does not replicate to it (its state is {fault.state or 'unknown'})"
        case VoterFaultKind.BEHIND:
            return f"it is {f'{fault.entries:,}' if fault.entries else f'over {MAX_LAG:,}'} entries behind"
        case kind:
            known = _HOST_ERRORS.get((kind, fault.error)) if fault.error else None
            return known or _TEXTS[kind]

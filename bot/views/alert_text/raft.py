"""Words for alerts about the raft group: leader, members, quorum, replication. No I/O."""

from collections.abc import Mapping, Sequence
from itertools import chain
from types import MappingProxyType

from bot.alerting.details import (
    ApplyStalled,
    ApplyUnknown,
    LeaderChanged,
    LeaderFlapping,
    LeaderMissing,
    LeaderMove,
    LearnerReady,
    MemberMove,
    MembershipChanged,
    PeerDown,
    PeerFault,
    PeerLagging,
    PeerName,
    QuorumAtRisk,
    SickVoter,
)
from bot.alerting.model import AlertText, LegacyText
from bot.alerting.status_facts import Quorum
from bot.alerting.text import one_line
from bot.clustermgr.health import VoterFault
from bot.common.addresses import same_place
from bot.common.text import count, duration, listed
from bot.views.text import in_ticks
from bot.views.voter_text import condition, voter_fault_text

Fault = VoterFault | LegacyText | None
"""The fault of a voter, or its text as an earlier release stored it."""

_DOWN: Mapping[PeerFault, str] = MappingProxyType(
    {
        PeerFault.NOT_HEARD: "the leader has not heard from it lately",
        PeerFault.PROBED: "the leader only probes it",
        PeerFault.PAUSED: "replication to it is paused",
    }
)


def no_leader(detail: LeaderMissing, cluster: str) -> AlertText:
    """`no_leader`."""
    last = (f"the last known leader was peer {detail.peer} in term {detail.term}",) if detail.peer else ()
    return AlertText(
        f"{cluster} accepts no writes: it has no leader. {detail.answered} of {count(detail.hosts, 'host')} "
        f"{'answers' if detail.answered == 1 else 'answer'}, and none knows one.",
        (*last, *(f"`{host}` gives no usable answer" for host in detail.silent)),
    )


def leader_changed(detail: LeaderChanged, cluster: str) -> AlertText:
    """`leader_changed`."""
    unplanned = [move for move in detail.moves if not move.op]
    counted = unplanned or detail.moves
    first, last, mixed = counted[0], counted[-1], bool(unplanned) and len(detail.moves) > len(unplanned)
    lines: tuple[str, ...] = tuple(
        f"peer {last.before}, which led before: its host `{host}` gives no usable answer" for host in detail.silent
    )
    if len(detail.moves) > 1:
        lines = (*lines, *(_move_line(move, mixed=mixed) for move in reversed(detail.moves)))
    if len(counted) == 1:
        return AlertText(f"{_moved(cluster, first)}.", lines)
    by = "" if unplanned else ", by operations of cmbot"
    by = ", not by an operation of cmbot" if mixed else by
    return AlertText(
        f"The leader of {cluster} changed {len(counted)} times in {duration(last.at - first.at)}{by}, "
        f"last from peer {last.before} to peer {last.after} in term {last.term}{_confirming(last)}.",
        lines,
    )


def operation_of(detail: LeaderChanged) -> LeaderMove | None:
    """The only change, if an operation caused it."""
    only = detail.moves[0] if len(detail.moves) == 1 else None
    return only if only and only.op else None


def _moved(cluster: str, move: LeaderMove) -> str:
    """The change as a sentence without its full stop: a past event, as the new leader may be gone when it is read."""
    moved = f"from peer {move.before} to peer {move.after} in term {move.term}{_by(move)}{_confirming(move)}"
    if move.away:
        unseen = f"While cmbot did not poll (for {duration(move.away)} at most)"
        return f"{unseen}, the leader of {cluster} changed {moved}"
    return f"The leader of {cluster} changed {moved}"


def _move_line(move: LeaderMove, *, mixed: bool = False) -> str:
    """The change in a list; among changes of operations (`mixed`) an unplanned one says so."""
    when = f", noticed after at most {duration(move.away)} without a poll" if move.away else ""
    by = _by(move) or (", not by an operation of cmbot" if mixed else "")
    return f"term {move.term}: from peer {move.before} to peer {move.after}{when}{by}"


def _confirming(move: LeaderMove) -> str:
    """The witness of a change, as long as the new leader itself has not answered."""
    return f", reported by peer {move.seen_by}; not confirmed yet" if move.seen_by else ""


def _by(move: LeaderMove) -> str:
    return f", by operation #{move.op}" if move.op else ""


def leader_flapping(detail: LeaderFlapping, cluster: str) -> AlertText:
    """`leader_flapping`."""
    moves = detail.moves
    times = f"at least {len(moves)}" if detail.truncated else str(len(moves))
    peers = sorted({peer for move in moves for peer in (move.before, move.after)})
    return AlertText(
        f"Writes to {cluster} stop again and again: its leader changed {times} times in "
        f"{duration(moves[-1].at - moves[0].at)}, between peers {listed([str(peer) for peer in peers])}.",
        tuple(_move_line(move) for move in reversed(moves)),
    )


def membership_changed(detail: MembershipChanged, cluster: str) -> AlertText:
    """`membership_changed`."""
    moves, last = detail.moves, detail.moves[-1]
    when = f"While cmbot did not poll (for {duration(last.away)} at most), the" if last.away else "The"
    if len(moves) == 1:
        return AlertText(f"{when} members of {cluster} changed outside cmbot: {_member(last)}.")
    return AlertText(
        f"{when} members of {cluster} changed {len(moves)} times outside cmbot; the last change: {_member(last)}.",
        tuple(_member_line(move) for move in reversed(moves)),
    )


def _member_line(move: MemberMove) -> str:
    when = f", noticed after at most {duration(move.away)} without a poll" if move.away else ""
    return f"{_member(move)}{when}"


def _member(move: MemberMove) -> str:
    """A change as a clause without its cluster; addresses are raw, on one line."""
    where = f" ({in_ticks(move.host or move.host_was)})" if move.host or move.host_was else ""
    if not move.was:
        return f"peer {move.peer}{where} joined as a {move.now}"
    if not move.now:
        return f"{move.was} {move.peer}{where} was removed"
    moved = f"moved from {in_ticks(move.host_was)} to {in_ticks(move.host)}"
    if move.was == move.now:
        return f"{move.was} {move.peer} {moved}"
    also = f" and {moved}" if move.host_was and move.host and not same_place(move.host_was, move.host) else ""
    return f"{move.was} {move.peer}{'' if also else where} became a {move.now}{also}"


def _peer(peer: PeerName) -> str:
    """`Voter 3 (10.0.0.3:10110)`."""
    kind = "Learner" if peer.learner else "Voter"
    return f"{kind} {peer.id} ({in_ticks(peer.address)})" if peer.address else f"{kind} {peer.id}"


def peer_down(detail: PeerDown, cluster: str) -> AlertText:
    """`peer_down`."""
    return AlertText(
        f"{_peer(detail.peer)} of {cluster} is down: {_DOWN[detail.fault]}.",
        tuple(f"its host `{host}` gives no usable answer" for host in detail.silent),
    )


def quorum_at_risk(detail: QuorumAtRisk, cluster: str) -> AlertText:
    """`quorum_at_risk`."""
    quorum = Quorum(detail.voters, detail.needed, detail.healthy)
    sentence = f"{risk_clause(cluster, quorum, [(voter.peer, voter.fault) for voter in detail.sick])}."
    if len(detail.sick) == 1:
        return AlertText(sentence, (proven_clause(quorum), *_silent(detail.sick[0])))
    lines = ((f"voter {voter.peer}: {_fault(voter.fault)}", *_silent(voter)) for voter in detail.sick)
    return AlertText(sentence, tuple(chain.from_iterable(lines)))


def risk_clause(cluster: str, quorum: Quorum, sick: Sequence[tuple[int, Fault]]) -> str:
    """The consequence of a short quorum and its cause, without a full stop; `sick` are voters and their faults."""
    state = risk_state(quorum)
    if not sick:
        few = "it has only 1 voter" if quorum.voters == 1 else f"all of its {quorum.voters:,} voters must agree"
        return f"{cluster} {state}: {few}"
    if len(sick) > 1:
        return f"{cluster} {state}: only {proven_clause(quorum)}"
    ((peer, fault),) = sick
    return f"{cluster} {state}: {unhealthy_clause(peer, fault)}"


def risk_state(quorum: Quorum) -> str:
    """The state of a cluster whose quorum is short, without its subject."""
    return "may be refusing writes" if quorum.spare < 0 else "is one failure from losing writes"


def proven_clause(quorum: Quorum) -> str:
    """The arithmetic of the quorum as a clause."""
    are = "is" if quorum.healthy == 1 else "are"
    return f"{quorum.healthy} of {quorum.voters} voters {are} proven healthy, and {quorum.needed} must agree"


def unhealthy_clause(peer: int, fault: Fault) -> str:
    """A voter that is not proven healthy, and its fault."""
    return f"voter {peer} is {condition(fault)} ({_fault(fault)})"


def _fault(fault: Fault) -> str:
    return fault.text if isinstance(fault, LegacyText) else one_line(voter_fault_text(fault))


def _silent(voter: SickVoter) -> tuple[str, ...]:
    return tuple(f"its host `{host}` gives no usable answer" for host in voter.silent)


def quorum_step(detail: QuorumAtRisk) -> str:
    """The next step if every voter is healthy, so that the group is too small; "" otherwise."""
    return "" if detail.sick else "Add another voter (`/cm member add`): a group of this size cannot lose one."


def peer_lagging(detail: PeerLagging, cluster: str) -> AlertText:
    """`peer_lagging`."""
    snapshot = "; it receives a snapshot now" if detail.snapshot else ""
    much = f"more than {10**detail.power:,} entries behind" if detail.power else "behind"
    tendency = " and falling further behind" if detail.grows else ""
    return AlertText(f"{_peer(detail.peer)} of {cluster} is {much}{tendency}{snapshot}.")


def apply_stalled(detail: ApplyStalled, cluster: str) -> AlertText:
    """`apply_stalled`."""
    stopped, role = ("Changes have stopped. ", ", the leader,") if detail.leads else ("", "")
    return AlertText(
        f"{stopped}Peer {detail.peer} (`{detail.host}`) of {cluster}{role} does not apply its log: it stays at entry "
        f"#{detail.applied:,} while more is committed."
    )


def apply_unknown(detail: ApplyUnknown, cluster: str) -> AlertText:
    """`apply_stalled` of a host without a usable answer; it is not announced."""
    return AlertText(f"Host `{detail.host}` of {cluster} gives no usable answer, so it may or may not apply its log.")


def learner_ready(detail: LearnerReady, cluster: str) -> AlertText:
    """`learner_ready`, with the way from learner to voter."""
    where, service = detail.address or "RAFT-HOST:PORT", detail.service or "SERVICE-HOST:PORT"
    return AlertText(
        f"Learner {detail.peer} of {cluster} has caught up and can become a voter.",
        (
            f"first: `/cm member remove {detail.peer} {cluster}`",
            f"then: `/cm member add {detail.peer} {where} node={service} as=normal {cluster}`",
        ),
    )

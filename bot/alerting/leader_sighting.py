"""A new leader as a follower names it, before that leader answers: when one such answer is enough. Pure.

A fresh leader can hold its answers for ten seconds, while its followers name it at once. A follower of a higher term
has heard from that leader, so its word is enough, unless another member says something else.
"""

from collections.abc import Collection
from dataclasses import dataclass

from bot.alerting.cluster_state.members import MemberNote
from bot.clustermgr.models import RaftStatus, Snapshot


@dataclass(frozen=True, slots=True)
class Sighting:
    """`peer` leads in `term`, as the peer `by` sees it."""

    peer: int
    term: int
    by: int


def named_leader(snapshot: Snapshot, members: Collection[MemberNote], *, leader: int, term: int) -> Sighting | None:
    """The leader that a follower names beside the known one (`leader` in `term`); None where that is not certain.

    A host that was removed is no member, and one that is cut off names a leader of a term that is over: neither is
    enough. Nor is a follower whom any other member contradicts, by naming another leader or by a higher term.
    """
    voters = {member.id for member in members if not member.learner}
    known = {member.id for member in members}
    said = [stat.raft_status for _, stat in snapshot.answered if stat.raft_status.node_id in known]
    higher = [raft for raft in said if raft.leader and raft.term > term]
    if not leader or not higher or snapshot.leader is not None:
        return None
    first = max(higher, key=lambda raft: (raft.term, -raft.node_id))
    if first.leader == leader or first.leader not in voters or any(_contradicts(raft, first) for raft in said):
        return None
    return Sighting(first.leader, first.term, first.node_id)


def _contradicts(raft: RaftStatus, first: RaftStatus) -> bool:
    """Whether a member says something else: another leader, a later term, or that it does not lead itself."""
    denies = raft.node_id == first.leader and raft.leader != first.leader
    return raft.leader not in {0, first.leader} or raft.term > first.term or denies

"""Quorum what-if: the failures that the voters tolerate now and after the change."""

from collections.abc import Collection

from bot.clustermgr.health import quorum
from bot.operations.preflight.facts import quorum as f
from bot.operations.preflight.facts.quorum import QuorumAdvice, UnhealthyVoter, Votes
from bot.operations.preflight.verdict import Check, block, passed, warn
from bot.operations.preflight.view import View

_MIN_VOTERS = 3


def present(view: View) -> Votes:
    """Votes as they are."""
    return _votes(frozenset(view.voters), view.healthy)


def with_voter(view: View, peer: int) -> Votes:
    """Votes after that peer becomes a voter; it counts as down until it has caught up."""
    return _votes(frozenset(view.voters) | {peer}, view.healthy)


def without(view: View, peer: int) -> Votes:
    """Votes after the removal of that peer."""
    return _votes(frozenset(view.voters) - {peer}, view.healthy - {peer})


def with_down(view: View, peers: Collection[int]) -> Votes:
    """Votes while these peers are stopped: they stay members and count as down."""
    return _votes(frozenset(view.voters), view.healthy - frozenset(peers))


def _votes(voters: frozenset[int], healthy: frozenset[int]) -> Votes:
    return Votes(tuple(sorted(voters)), tuple(sorted(healthy)))


def what_if(view: View, after: Votes) -> Check:
    """Check the quorum now and afterwards; fewer healthy voters than a quorum afterwards is a block."""
    now = present(view)
    sick = (health for _, health in sorted(view.health.items()) if not health.healthy)
    faults = tuple(UnhealthyVoter(health.peer, health.fault) for health in sick)
    # What the approver considered: both counts, and the voters that remain healthy.
    bound = f"{len(now.voters)}/{list(now.healthy)} > {len(after.voters)}/{list(after.healthy)}"
    down = tuple(voter.peer for voter in faults if voter.peer in after.voters)
    if after.spare < 0:
        return block("quorum", f.QuorumAfter(now, after, faults, (), _fix(view, down), down), bound=bound)
    unseen = tuple(peer for peer in after.healthy if not view.health[peer].confirmed)
    if unseen or after.spare == 0:
        advice = _caution(unseen, down)
        return warn("quorum", f.QuorumAfter(now, after, faults, unseen, advice, down), bound=bound)
    return passed("quorum", f.QuorumAfter(now, after, faults), bound=bound)


def commit_check(view: View) -> Check | None:
    """Check that a quorum of the present voters can commit a removal; None when that is proven.

    Without a quorum that the leader counts as active the removal cannot be committed. Only groups of an even size come
    here: for others the quorum afterwards is as large.
    """
    if view.has_quorum:
        return None
    wanted, here, active = quorum(len(view.voters)), len(view.voters), len(view.active)
    bound = f"{active >= wanted}"
    if active >= wanted:
        return warn("commit", f.CommitUnproven(wanted, here, len(view.healthy)), bound=bound)
    if view.just_elected:
        return warn("commit", f.CommitAfterElection(wanted, here, active), bound=bound)
    away = tuple(sorted(view.voters.keys() - view.active))
    return block("commit", f.CommitFails(wanted, here, active, away), forceable=True, bound=bound)


def size_check(before: int, after: int) -> Check | None:
    """Check for even and small groups; None when the number of voters stays."""
    if after == before:
        return None
    if after < _MIN_VOTERS:
        return warn("voters", f.FewVoters(after))
    return warn("voters", f.EvenVoters(after)) if after % 2 == 0 else passed("voters", f.OddVoters(after))


def _fix(view: View, down: tuple[int, ...]) -> QuorumAdvice:
    faults = {peer: health.fault for peer, health in view.health.items() if health.fault is not None}
    if any(fault.needs_poll for fault in faults.values()):
        return QuorumAdvice.POLL_AGAIN
    if not down:
        return QuorumAdvice.BY_HAND
    unlisted = any(peer in faults and faults[peer].needs_host for peer in down)
    return QuorumAdvice.BRING_BACK_OR_CONFIGURE if unlisted else QuorumAdvice.BRING_BACK


def _caution(unseen: tuple[int, ...], down: tuple[int, ...]) -> QuorumAdvice:
    if unseen:
        return QuorumAdvice.CONFIGURE
    return QuorumAdvice.BRING_BACK_FIRST if down else QuorumAdvice.REST

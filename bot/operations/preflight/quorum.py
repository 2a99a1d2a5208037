"""Quorum what-if: the failures that the voters tolerate now and after the change."""

from dataclasses import dataclass

from bot.clustermgr.health import MIN_APART, quorum
from bot.clustermgr.voter_text import voter_fault_text
from bot.operations.preflight.verdict import Check, block, count, passed, peers, warn
from bot.operations.preflight.view import View

_MIN_VOTERS = 3


@dataclass(frozen=True, slots=True)
class Votes:
    """Voters, and those of them that count as healthy."""

    voters: frozenset[int]
    healthy: frozenset[int]

    @property
    def spare(self) -> int:
        """Number of healthy voters that may fail before writes stop; negative when they have stopped."""
        return len(self.healthy) - quorum(len(self.voters))


def present(view: View) -> Votes:
    """Votes as they are."""
    return Votes(frozenset(view.voters), view.healthy)


def with_voter(view: View, peer: int) -> Votes:
    """Votes after that peer becomes a voter; it counts as down until it has caught up."""
    return Votes(frozenset(view.voters) | {peer}, view.healthy)


def without(view: View, peer: int) -> Votes:
    """Votes after the removal of that peer."""
    return Votes(frozenset(view.voters) - {peer}, view.healthy - {peer})


def what_if(view: View, after: Votes) -> Check:
    """Check the quorum now and afterwards; fewer healthy voters than a quorum afterwards is a block."""
    now = present(view)
    sentence = f"{_now_text(view, now)} {_after_text(now, after)}"
    # What the approver considered: both counts, and the voters that remain healthy.
    bound = f"{len(now.voters)}/{sorted(now.healthy)} > {len(after.voters)}/{sorted(after.healthy)}"
    if after.spare < 0:
        return block("quorum", sentence, _fix(view, after), bound=bound)
    unseen = sorted(peer for peer in after.healthy if not view.health[peer].confirmed)
    if unseen:
        sentence += f" Only the leader vouches for {peers(unseen)}: its own host is not configured."
    if unseen or after.spare == 0:
        return warn("quorum", sentence, _caution(view, after, unseen), bound=bound)
    return passed("quorum", sentence, bound=bound)


ELECTED_SECONDS = 10
"""Seconds after an election during which a leader's count of active voters may be wrong (recorded exchanges)."""


def commit_check(view: View) -> Check | None:
    """Check that a quorum of the present voters can commit a removal; None when that is proven.

    Without a quorum that the leader counts as active the removal cannot be committed. Only groups of an even size come
    here: for others the quorum afterwards is as large.
    """
    if view.has_quorum:
        return None
    wanted, here, active = quorum(len(view.voters)), len(view.voters), len(view.active)
    needed = f"The removal itself needs {wanted} of the present {count(here, 'voter')}"
    bound = f"{active >= wanted}"
    if active >= wanted:
        return warn(
            "commit",
            f"{needed}, and {len(view.healthy)} {'is' if len(view.healthy) == 1 else 'are'} proven healthy.",
            "If the others are down, the removal does not finish, and its outcome stays unknown until they are back.",
            bound=bound,
        )
    if view.just_elected:
        return warn(
            "commit",
            f"{needed}, and the leader, which has just been elected, has heard from {active} of them so far.",
            f"Wait {ELECTED_SECONDS} s, then propose it again: its count is reliable by then.",
            bound=bound,
        )
    away = peers(view.voters.keys() - view.active)
    return block(
        "commit",
        f"{needed}, and the leader counts {active} as active: it would not finish, and its outcome would be unknown.",
        f"First bring {away} back, so that {wanted} are active; then remove the lost one.",
        forceable=True,
        bound=bound,
    )


def size_check(before: int, after: int) -> Check | None:
    """Check for even and small groups; None when the number of voters stays."""
    if after == before:
        return None
    if after < _MIN_VOTERS:
        return warn(
            "voters",
            f"{count(after, 'voter')} afterwards: fewer than three, so any failure stops all writes.",
            "Add a voter soon; three is the smallest number that survives a failure.",
        )
    if after % 2 == 0:
        return warn(
            "voters",
            f"{after} voters afterwards: an even number tolerates no more failures than {after - 1} voters do.",
            "Plan an odd number of voters.",
        )
    return passed("voters", f"{after} voters afterwards, an odd number.")


def _now_text(view: View, now: Votes) -> str:
    text = f"Quorum is {quorum(len(now.voters))} of {len(now.voters)}"
    sick = [health for _, health in sorted(view.health.items()) if not health.healthy]
    faults = [f"peer {health.peer}: {voter_fault_text(health.fault)}" for health in sick]
    if faults:
        text += f", {len(now.healthy)} healthy ({'; '.join(faults)})"
    if now.spare < 0:
        return f"{text}; no quorum is proven now."
    return f"{text}; it can lose {_losses(now.spare)}."


def _after_text(now: Votes, after: Votes) -> str:
    text = f"Afterwards quorum is {quorum(len(after.voters))} of {len(after.voters)}"
    added = after.voters - now.voters
    if added:
        text += f", {len(after.healthy)} healthy ({peers(added)} counts as down until it has caught up)"
    elif len(after.healthy) != len(after.voters):
        text += f", {len(after.healthy)} healthy"
    if after.spare < 0:
        return f"{text}: writes would stop."
    text += f"; it can lose {_losses(after.spare)}"
    return f"{text}." if after.spare else f"{text}: if {peers(after.healthy, 'or')} stops, writes stop."


def _losses(spare: int) -> str:
    return count(spare, "more voter") if spare else "no more voters"


def _fix(view: View, after: Votes) -> str:
    faults = {peer: health.fault for peer, health in view.health.items() if health.fault is not None}
    if any(fault.needs_poll for fault in faults.values()):
        return f"Try again in some seconds: two snapshots, {MIN_APART:g} s apart under one leader, prove a voter."
    down = sorted(peer for peer, health in view.health.items() if not health.healthy and peer in after.voters)
    if down:
        unlisted = any(peer in faults and faults[peer].needs_host for peer in down)
        hint = " (or add its service address to `hosts` in the settings)" if unlisted else ""
        return f"First bring {peers(down)} back{hint}, or remove {'it' if len(down) == 1 else 'one of them'} if lost."
    return (
        "From one voter this step is not safe: writes stop until the second voter has caught up. "
        "If you need it, do it by hand, with the new node ready to run."
    )


def _caution(view: View, after: Votes, unseen: list[int]) -> str:
    if unseen:
        return f"Add the service address of {peers(unseen)} to `hosts` in the settings, and try again."
    down = sorted(peer for peer in after.voters if peer in view.health and not view.health[peer].healthy)
    if down:
        return f"Better first: bring {peers(down)} back, or replace the lost one."
    return "Do no other work on these nodes until there is one more voter."

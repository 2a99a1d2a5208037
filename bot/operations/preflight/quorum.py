"""The quorum what-if: how many failures the voters tolerate now and after the change, with its arithmetic."""

from dataclasses import dataclass

from bot.clustermgr.health import MIN_APART, quorum
from bot.operations.preflight.text import count, peers
from bot.operations.preflight.verdict import Check, block, passed, warn
from bot.operations.preflight.view import View

_FEWEST = 3


@dataclass(frozen=True, slots=True)
class Votes:
    """Voters, and which of them are counted as healthy."""

    voters: frozenset[int]
    healthy: frozenset[int]

    @property
    def spare(self) -> int:
        """How many healthy voters may fail before writes stop; negative when they have stopped."""
        return len(self.healthy) - quorum(len(self.voters))


def present(view: View) -> Votes:
    """The votes as they are."""
    return Votes(frozenset(view.voters), view.healthy)


def with_voter(view: View, peer: int) -> Votes:
    """The votes once that peer is a voter, counted as down until it has caught up."""
    return Votes(frozenset(view.voters) | {peer}, view.healthy)


def without(view: View, peer: int) -> Votes:
    """The votes once that peer is gone."""
    return Votes(frozenset(view.voters) - {peer}, view.healthy - {peer})


def what_if(view: View, after: Votes) -> Check:
    """The arithmetic of a membership change or transfer; fewer healthy voters than a quorum afterwards is a block."""
    now = present(view)
    sentence = f"{_now_words(view, now)}; {_after_words(now, after)}"
    # What the approver weighed: both counts, and who would still be counted on.
    bound = f"{len(now.voters)}/{sorted(now.healthy)} > {len(after.voters)}/{sorted(after.healthy)}"
    if after.spare < 0:
        return block("quorum", sentence, _mend(view, after), bound=bound)
    unseen = sorted(peer for peer in after.healthy if not view.health[peer].confirmed)
    if unseen:
        sentence += f"; only the leader vouches for {peers(unseen)}, whose own host is not configured"
    if unseen or after.spare == 0:
        return warn("quorum", sentence, _caution(view, after, unseen), bound=bound)
    return passed("quorum", sentence, bound=bound)


ELECTED_SECONDS = 10
"""How long after an election a leader's count of active voters may be wrong (recorded exchanges)."""


def commit_check(view: View) -> Check | None:
    """A removal is committed by a quorum of the voters present before it; None when that is proven.

    Without a quorum that the leader itself counts as active it cannot be committed: groups of an even size alone come
    here, since for others the quorum afterwards is no smaller.
    """
    if view.has_quorum:
        return None
    wanted, here, active = quorum(len(view.voters)), len(view.voters), len(view.active)
    agreed = f"The removal itself must be agreed to by {wanted} of the {count(here, 'voter')} there are now"
    bound = f"{active >= wanted}"
    if active >= wanted:
        return warn(
            "commit",
            f"{agreed}, and {len(view.healthy)} {'is' if len(view.healthy) == 1 else 'are'} proven healthy.",
            "If the others are down it will not be finished, and its outcome stays unknown until they are back.",
            bound=bound,
        )
    if view.just_elected:
        return warn(
            "commit",
            f"{agreed}, and the leader, elected a moment ago, has heard from {active} of them so far.",
            f"Wait {ELECTED_SECONDS} s, then propose it again: its count can be believed by then.",
            bound=bound,
        )
    away = peers(view.voters.keys() - view.active)
    return block(
        "commit",
        f"{agreed}, and the leader counts {active} as active: it would not be finished, and its outcome not be known.",
        f"First bring {away} back, so that {wanted} are active; then remove what is lost.",
        forceable=True,
        bound=bound,
    )


def size_check(before: int, after: int) -> Check | None:
    """Even and small groups; None when the number of voters is a good one, or stays."""
    if after == before:
        return None
    if after < _FEWEST:
        return warn(
            "voters",
            f"{count(after, 'voter')} afterwards: fewer than three, so no voter may fail without stopping all writes.",
            "Add a voter soon; three is the fewest that survive a failure.",
        )
    if after % 2 == 0:
        return warn(
            "voters",
            f"{after} voters afterwards: an even number tolerates no more failures than {after - 1} do.",
            "Plan for an odd number of voters.",
        )
    return passed("voters", f"{after} voters afterwards, an odd number.")


def _now_words(view: View, now: Votes) -> str:
    words = f"{count(len(now.voters), 'voter')}, quorum {quorum(len(now.voters))}, {len(now.healthy)} healthy"
    faults = [f"peer {peer}: {health.why}" for peer, health in sorted(view.health.items()) if not health.healthy]
    if faults:
        words += f" ({'; '.join(faults)})"
    if now.spare < 0:
        return f"{words}: no quorum is proven now"
    return f"{words}: tolerates {count(now.spare, 'failure')} now"


def _after_words(now: Votes, after: Votes) -> str:
    words = f"after: {count(len(after.voters), 'voter')}, quorum {quorum(len(after.voters))}"
    added = after.voters - now.voters
    if added:
        words += f", {len(after.healthy)} healthy ({peers(added)} counted as down until caught up)"
    elif len(after.healthy) != len(after.voters):
        words += f", {len(after.healthy)} healthy"
    if after.spare < 0:
        return f"{words}: fewer than a quorum, writes would stop"
    words += f": tolerates {after.spare}"
    return words if after.spare else f"{words}; if {peers(after.healthy, 'or')} stops, writes stop"


def _mend(view: View, after: Votes) -> str:
    once = [peer for peer, health in view.health.items() if "previous poll" in health.why or "only once" in health.why]
    if once:
        return (
            f"Ask again in some seconds: it takes two looks, {MIN_APART:g} s apart under one leader, to prove a voter."
        )
    down = sorted(peer for peer, health in view.health.items() if not health.healthy and peer in after.voters)
    if down:
        unlisted = any("not configured" in view.health[peer].why for peer in down)
        hint = " (or add its service address to `hosts` in the settings)" if unlisted else ""
        return f"First bring {peers(down)} back{hint}, or remove {'it' if len(down) == 1 else 'one of them'} if lost."
    return (
        "From one voter this step cannot be taken safely: writes stop until the second has caught up. "
        "If it must be, take it by hand, with the new node ready to run."
    )


def _caution(view: View, after: Votes, unseen: list[int]) -> str:
    if unseen:
        return f"Add the service address of {peers(unseen)} to `hosts` in the settings, and ask again."
    down = sorted(peer for peer in after.voters if peer in view.health and not view.health[peer].healthy)
    if down:
        return f"Better first: bring {peers(down)} back, or replace what is lost."
    return "Have no other work done on these nodes until a further voter is there."

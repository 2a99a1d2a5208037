"""Words for the facts of the quorum. No I/O."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.clustermgr.health import MIN_APART, quorum
from bot.operations.preflight.facts import quorum as f
from bot.operations.preflight.facts.quorum import QuorumAdvice
from bot.views.preflight_text.phrases import CheckText, peers
from bot.views.text import count
from bot.views.voter_text import voter_fault_text

ELECTED_SECONDS = 10
"""Seconds after an election during which a leader's count of active voters may be wrong (recorded exchanges)."""


def quorum_after(fact: f.QuorumAfter) -> CheckText:
    """The failures that the voters tolerate now and after the change."""
    sentence = f"{_now(fact)} {_after(fact)}"
    if fact.unseen:
        sentence += f" Only the leader vouches for {peers(fact.unseen)}: its own host is not configured."
    return CheckText(sentence, _advice(fact))


def _now(fact: f.QuorumAfter) -> str:
    now = fact.now
    text = f"Quorum is {_of(now)}"
    if fact.faults:
        faults = "; ".join(f"peer {voter.peer}: {voter_fault_text(voter.fault)}" for voter in fact.faults)
        text += f", {len(now.healthy)} healthy ({faults})"
    if now.spare < 0:
        return f"{text}; no quorum is proven now."
    return f"{text}; it can lose {_losses(now)}."


def _after(fact: f.QuorumAfter) -> str:
    after = fact.after
    text = f"Afterwards quorum is {_of(after)}"
    added = set(after.voters) - set(fact.now.voters)
    if added:
        text += f", {len(after.healthy)} healthy ({peers(added)} counts as down until it has caught up)"
    elif len(after.healthy) != len(after.voters):
        text += f", {len(after.healthy)} healthy"
    if after.spare < 0:
        return f"{text}: writes would stop."
    text += f"; it can lose {_losses(after)}"
    return f"{text}." if after.spare else f"{text}: if {peers(after.healthy, 'or')} stops, writes stop."


def _of(votes: f.Votes) -> str:
    return f"{quorum(len(votes.voters))} of {len(votes.voters)}"


def _losses(votes: f.Votes) -> str:
    return count(votes.spare, "more voter") if votes.spare else "no more voters"


_ADVICE: Mapping[QuorumAdvice, str] = MappingProxyType(
    {
        QuorumAdvice.NONE: "",
        QuorumAdvice.POLL_AGAIN: (
            "Try again in some seconds: two snapshots, {apart:g} s apart under one leader, prove a voter."
        ),
        QuorumAdvice.BRING_BACK: "First bring {down} back, or remove {lost} if lost.",
        QuorumAdvice.BRING_BACK_OR_CONFIGURE: (
            "First bring {down} back (or add its service address to `hosts` in the settings), or remove {lost} if lost."
        ),
        QuorumAdvice.BY_HAND: (
            "From one voter this step is not safe: writes stop until the second voter has caught up. "
            "If you need it, do it by hand, with the new node ready to run."
        ),
        QuorumAdvice.CONFIGURE: "Add the service address of {unseen} to `hosts` in the settings, and try again.",
        QuorumAdvice.BRING_BACK_FIRST: "Better first: bring {down} back, or replace the lost one.",
        QuorumAdvice.REST: "Do no other work on these nodes until there is one more voter.",
    }
)


def _advice(fact: f.QuorumAfter) -> str:
    lost = "it" if len(fact.down) == 1 else "one of them"
    return _ADVICE[fact.advice].format(apart=MIN_APART, down=peers(fact.down), unseen=peers(fact.unseen), lost=lost)


def commit_unproven(fact: f.CommitUnproven) -> CheckText:
    """A quorum counts as active, and is not proven healthy."""
    return CheckText(
        f"{_needed(fact)}, and {fact.healthy} {'is' if fact.healthy == 1 else 'are'} proven healthy.",
        "If the others are down, the removal does not finish, and its outcome stays unknown until they are back.",
    )


def commit_after_election(fact: f.CommitAfterElection) -> CheckText:
    """The leader's count is not reliable yet."""
    return CheckText(
        f"{_needed(fact)}, and the leader, which has just been elected, has heard from {fact.active} of them so far.",
        f"Wait {ELECTED_SECONDS} s, then propose it again: its count is reliable by then.",
    )


def commit_fails(fact: f.CommitFails) -> CheckText:
    """The removal would not finish."""
    return CheckText(
        f"{_needed(fact)}, and the leader counts {fact.active} as active: it would not finish, and its outcome would "
        "be unknown.",
        f"First bring {peers(fact.away)} back, so that {fact.wanted} are active; then remove the lost one.",
    )


def _needed(fact: f.CommitFact) -> str:
    return f"The removal itself needs {fact.wanted} of the present {count(fact.voters, 'voter')}"


def few_voters(fact: f.FewVoters) -> CheckText:
    """Fewer than three voters."""
    return CheckText(
        f"{count(fact.voters, 'voter')} afterwards: fewer than three, so any failure stops all writes.",
        "Add a voter soon; three is the smallest number that survives a failure.",
    )


def even_voters(fact: f.EvenVoters) -> CheckText:
    """An even number of voters."""
    odd = fact.voters - 1
    return CheckText(
        f"{fact.voters} voters afterwards: an even number tolerates no more failures than {odd} voters do.",
        "Plan an odd number of voters.",
    )


def odd_voters(fact: f.OddVoters) -> CheckText:
    """An odd number of voters."""
    return CheckText(f"{fact.voters} voters afterwards, an odd number.")


def voters_in_reach(fact: f.VotersInReach) -> CheckText:
    """A quorum can be reached."""
    return CheckText(f"Quorum is {quorum(fact.voters)} of {fact.voters}; {_reachable(fact)}.")


def voters_out_of_reach(fact: f.VotersOutOfReach) -> CheckText:
    """A write may get no answer."""
    return CheckText(
        f"Only {_reachable(fact)}, and quorum is {quorum(fact.voters)}: the write may get no answer, and then its "
        "outcome is unknown.",
        f"Better first bring {peers(fact.away)} back.",
    )


def _reachable(fact: f.VotersInReach | f.VotersOutOfReach) -> str:
    return f"{fact.there} of {count(fact.voters, 'voter')} can be reached"


def quorum_lost(fact: f.QuorumLost) -> CheckText:
    """Reads and writes fail."""
    verb = "answers" if fact.there == 1 else "answer"
    return CheckText(
        f"No quorum: {fact.there} of {count(fact.voters, 'voter')} {verb}, and quorum is {quorum(fact.voters)}. "
        "Reads and writes fail.",
        f"Start {peers(fact.away, 'or')}, then propose it again.",
    )

"""Words for the facts of leadership, and of changes that are still in progress. No I/O."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.common.text import listed
from bot.operations.model import OpState
from bot.operations.preflight.facts import leadership as f
from bot.operations.preflight.facts.leadership import CatchUp, CatchUpRule
from bot.views.preflight_text.phrases import CheckText
from bot.views.voter_text import voter_fault_text


def target_leads(fact: f.TargetLeads) -> CheckText:
    """The target leads."""
    return CheckText(f"Peer {fact.peer} already leads.", _choose(fact))


def target_is_learner(fact: f.TargetIsLearner) -> CheckText:
    """The target is a learner."""
    return CheckText(f"Peer {fact.peer} is a learner: the server answers 200 and does nothing.", _choose(fact))


def target_is_stranger(fact: f.TargetIsStranger) -> CheckText:
    """The target is no member."""
    return CheckText(f"Peer {fact.peer} is no member.", _choose(fact))


def target_unproven(fact: f.TargetUnproven) -> CheckText:
    """The target is not healthy."""
    fault = voter_fault_text(fact.fault)
    prove = "Bring it back to health; two snapshots some seconds apart prove a voter."
    return CheckText(
        f"Peer {fact.peer} is not proven healthy ({fault}): a transfer to it can stop all writes for ten seconds.",
        _choose(fact) if fact.targets else prove,
    )


def _choose(fact: f.TargetFact) -> str:
    if not fact.targets:
        return "Bring another voter back to health first."
    return f"Choose a healthy voter: {listed(fact.targets, 'or')}."


def leadership_moves(fact: f.LeadershipMoves) -> CheckText:
    """Leadership moves to the target."""
    moved = f"Leadership moves from peer {fact.leader} to peer {fact.peer}"
    if fact.confirmed:
        return CheckText(f"{moved}; writes may be refused for less than a second.")
    return CheckText(
        f"{moved}, whose own host is not configured: afterwards cmbot sees only followers and refuses changes.",
        f"Add the service address of peer {fact.peer} to `hosts` in the settings first.",
    )


def no_transfer_pending(_: f.NoTransferPending) -> CheckText:
    """No transfer is pending."""
    return CheckText("No transfer of leadership is pending.")


def transfer_pending(fact: f.TransferPending) -> CheckText:
    """A transfer is pending."""
    return CheckText(
        f"A transfer of leadership to peer {fact.peer} is pending: until it ends, writes get no answer.",
        "Try again in 15 s; a transfer that does not succeed ends by itself.",
    )


def entries_unapplied(fact: f.EntriesUnapplied) -> CheckText:
    """The leader has entries that it has not applied."""
    return CheckText(
        f"The leader has not applied {fact.entries:,} committed entries yet, so a recent change may not be visible.",
        "Better wait until it has caught up (`/cm stat`).",
    )


def none_catches_up(_: f.NoneCatchesUp) -> CheckText:
    """No member is catching up."""
    return CheckText("No other member is catching up.")


def members_catch_up(fact: f.MembersCatchUp) -> CheckText:
    """Members are catching up."""
    sentence = f"Not caught up: {listed(f'peer {each.peer} ({_state(each)})' for each in fact.members)}."
    match fact.rule:
        case CatchUpRule.NEW_LEADER:
            return CheckText(sentence, "Better wait: a new leader has to start the catch-up again.")
        case CatchUpRule.ONE_AT_A_TIME:
            return CheckText(sentence, "Take one at a time: check the others after this removal.")
        case CatchUpRule.REMOVAL_ONLY:
            return CheckText(
                f"{sentence} Until then the only allowed change of members is its removal.",
                "Wait until it has caught up (`/cm members`), or remove it: "
                f"`/cm member remove {fact.members[0].peer}`.",
            )


def _state(member: f.BehindMember) -> str:
    return (
        voter_fault_text(member.fault) if member.state is None else _STATES[member.state].format(entries=member.entries)
    )


_STATES: Mapping[CatchUp, str] = MappingProxyType(
    {
        CatchUp.SNAPSHOT: "the leader is sending it a snapshot",
        CatchUp.NO_ENTRY: "it has confirmed no entry to this leader yet",
        CatchUp.BEHIND: "it is {entries:,} entries behind",
        CatchUp.NEW_VOTER: "it has just become a voter",
    }
)


def no_open_operation(_: f.NoOpenOperation) -> CheckText:
    """No other operation is open."""
    return CheckText("No other operation is open for the same thing.")


def operation_open(fact: f.OperationOpen) -> CheckText:
    """Another operation is open."""
    name = f"{fact.change.replace('_', ' ')} {fact.task}".strip()
    if fact.state is OpState.UNKNOWN:
        return CheckText(
            f"The outcome of operation #{fact.op} ({name}) is unknown, so it blocks others of its kind.",
            f"See the card of operation #{fact.op}: it ends once its effect is seen or ruled out. If neither comes, "
            f"check the cluster; an admin settles it with `/cm op settle {fact.op}`.",
        )
    runs = fact.state is OpState.RUNNING
    return CheckText(
        f"Operation #{fact.op} ({name}) is {fact.state}; only one may be open.",
        "Wait until it has ended." if runs else "Approve, reject or cancel it on its card.",
    )

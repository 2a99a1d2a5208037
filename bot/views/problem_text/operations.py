"""Words for the problems of proposals and decisions. No I/O."""

from bot.common.text import duration, listed
from bot.operations import operation_problems as p
from bot.views.decisions import missing_text
from bot.views.dialect_text import evidence_text


def nothing_to_force(_: p.NothingToForce) -> str:
    """No check refuses the change."""
    return "There is nothing to force: no check refuses this. Leave `force=yes` out."


def agent_may_not_force(_: p.AgentMayNotForce) -> str:
    """An agent asked for break-glass."""
    return "An agent cannot use break-glass: leave `force` out. A person can propose it in Slack."


def agent_operations_open(problem: p.AgentOperationsOpen) -> str:
    """As many operations of agents are open as may be."""
    return f"{problem.open_now} operations of agents are open, and more are refused: people decide on them first."


def agent_proposals_lately(problem: p.AgentProposalsLately) -> str:
    """Agents proposed as many changes in the last hour as they may."""
    return f"Agents proposed {problem.lately} changes in the last hour, and more are refused: ask a person."


def agent_checks_lately(problem: p.AgentChecksLately) -> str:
    """Agents had the checks run as often in the last hour as they may."""
    return f"Agents made {problem.lately} dry runs in the last hour, and more are refused: ask a person."


def code_needed(_: p.CodeNeeded) -> str:
    """The requester has not typed a code."""
    return "Break-glass needs your code: type the command again, and enter the code in the form that opens."


def channel_shared(problem: p.ChannelShared) -> str:
    """The channel is shared with another organisation."""
    return (
        f"<#{problem.channel}> is shared with another organisation, so no change is proposed or approved there. "
        "Use a channel of your organisation alone."
    )


def sharing_unknown(problem: p.SharingUnknown) -> str:
    """Slack has not said if the channel is shared."""
    return (
        f"Slack does not say if <#{problem.channel}> is shared with another organisation, so no change is proposed "
        "or approved there. Try again in a few seconds. If cmbot is not in that channel, invite it; if the channel is "
        "gone, use another one."
    )


def lease_too_long(problem: p.LeaseTooLong) -> str:
    """The lease would become too long."""
    return (
        f"Operation #{problem.op} cannot be extended: a change holds for {duration(problem.longest)} at most, counted "
        "from its start. Propose the change again."
    )


def older_replicas(problem: p.OlderReplicas) -> str:
    """Replicas of an earlier release run."""
    run = "runs" if len(problem.names) == 1 else "run"
    return (
        f"Nothing was proposed: {listed(problem.names)} still {run} an earlier release, which does not know this "
        "change. Finish the upgrade, then type the command again."
    )


def card_not_posted(problem: p.CardNotPosted) -> str:
    """Slack refused the card."""
    return (
        f"Nothing was proposed: the card cannot be posted in <#{problem.channel}> ({problem.code}). "
        "Invite cmbot there, or change the cluster's `operations_channel`."
    )


def no_such_task(problem: p.NoSuchTask) -> str:
    """The cluster has no such task."""
    return f"{problem.cluster} ({problem.dialect}) has no background task {problem.task}. See `/cm tasks`."


def other_dialect(problem: p.OtherDialect) -> str:
    """The cluster proves another dialect than the chosen one."""
    why = evidence_text(problem.evidence).rstrip(".")
    return f"{problem.cluster} uses {problem.dialect} ({why}), not {problem.chosen}: leave `dialect=` out."


def no_such_operation(problem: p.NoSuchOperation) -> str:
    """The number is of no operation."""
    return f"There is no operation #{problem.op}. `/cm ops state=recent` lists the last ones."


def button_outdated(_: p.ButtonOutdated) -> str:
    """The button is of an earlier version."""
    return "This button belongs to an older version of cmbot. Type the command again."


def button_without_operation(_: p.ButtonWithoutOperation) -> str:
    """The button is of no operation."""
    return "This button belongs to no known operation. Type the command again."


def other_decision_first(problem: p.OtherDecisionFirst) -> str:
    """Another decision was first."""
    return f"Another decision on operation #{problem.op} came first: see its card."


def lease_changed(problem: p.LeaseChanged) -> str:
    """The operation changed before the click."""
    return f"Operation #{problem.op} changed before your click: see its card."


def outcome_is_known(problem: p.OutcomeIsKnown) -> str:
    """The outcome is known."""
    return f"Operation #{problem.op} is {problem.state}: only an unknown outcome can be settled."


def approval_not_needed(problem: p.ApprovalNotNeeded) -> str:
    """Another kind of approval is missing."""
    short = missing_text({need.source: need.approvals for need in problem.short})
    return f"Operation #{problem.op} already has your kind of approval: it waits for {short}."


def approvers_unproven(problem: p.ApproversUnproven) -> str:
    """Slack did not list the user group that decides."""
    return f"Slack did not list the user group {problem.group}, so nothing was sent. Click again in a moment."

"""Parts of an operation's card: its title, its request, the result of the preflight, the missing approvals. No I/O."""

import json
from dataclasses import asdict

from bot.interactions.message import BlockJson
from bot.operations.model import Operation
from bot.operations.policy import Terms
from bot.operations.preflight.verdict import Check, CheckLevel, PreflightResult
from bot.operations.requests import LeaderTransfer, MemberAdd, MemberRemove, OpKind, Request, TaskSwitch
from bot.views.blocks import clip, code, context, count, duration, escape, section

MAX_VALUE = 60
MAX_WORDS = 600
_SHOWN_CHECKS = 8
_MARKS = {CheckLevel.PASS: "✓", CheckLevel.WARN: "⚠️", CheckLevel.BLOCK: "⛔"}


def person(user: str) -> str:
    """Somebody by their Slack id."""
    return f"<@{escape(user)}>"


def stored(value: str | None) -> str:
    """A switch's raw value."""
    return "nothing (unset)" if value is None else code(clip(json.dumps(value, ensure_ascii=False), MAX_VALUE))


def word(request: TaskSwitch) -> str:
    """Value that a switch is turned to."""
    return "on" if request.on else "off"


def title(op: Operation) -> str:
    """Title of an operation, in plain text."""
    for_a_time = f" for {duration(op.options.lease)}" if op.options.lease else ""
    back = " again" if op.options.reverts else ""
    return f"{_title(op.request, op.cluster)}{back}{for_a_time}"


def _title(request: Request, cluster: str) -> str:
    match request:
        case TaskSwitch():
            return f"Turn {request.task} {word(request)} in {cluster}"
        case MemberAdd():
            return f"Add peer {request.peer_id} to {cluster} as a {'learner' if request.learner else 'voter'}"
        case MemberRemove():
            return f"Remove peer {request.peer_id} from {cluster}"
        case LeaderTransfer():
            return f"Move the leadership of {cluster} to peer {request.peer_id}"


def will_send(op: Operation) -> str:
    """The one request, in plain text."""
    request, switch = op.request, op.seen.switch
    if isinstance(request, TaskSwitch):
        key, value = (switch.key, switch.will_send) if switch else ("?", None)
        return f"{key} = {json.dumps(value)} ({word(request)})"
    return ", ".join(f"{name} {json.dumps(value)}" for name, value in asdict(request).items())


def facts(op: Operation) -> list[str]:
    """The fields of a card."""
    shown = [f"*Cluster*\n{escape(op.cluster)}"]
    shown += _switch_facts(op, op.request) if isinstance(op.request, TaskSwitch) else _member_facts(op)
    return [*shown, f"*Asked for by*\n{person(op.requester)}"]


def _switch_facts(op: Operation, request: TaskSwitch) -> list[str]:
    named = f"*Background task*\n{code(request.task)}"
    switch = op.seen.switch
    if switch is None:
        return [named]
    sent = f"{code(switch.key)} = {stored(switch.will_send)}: {word(request)}"
    return [
        named,
        f"*Value when looked at*\n{stored(switch.value)}: {escape(switch.meaning)}",
        f"*{_tense(op)}*\n{sent}",
        f"*Dialect*\n{escape(switch.dialect)}: {escape(clip(switch.why, MAX_WORDS))}",
    ]


def _member_facts(op: Operation) -> list[str]:
    found = op.seen.verdict
    told = [f"*{_tense(op)}*\n{code(_CALLS[op.kind])} {escape(will_send(op))}"]
    if found is not None and found.fingerprint.leader:
        state = found.fingerprint
        voters = ", ".join(map(str, state.voters))
        told.append(f"*When looked at*\npeer {state.leader} led in term {state.term}; voters {voters}")
    return told


_CALLS = {
    OpKind.MEMBER_ADD: "/member/add",
    OpKind.MEMBER_REMOVE: "/member/remove",
    OpKind.LEADER_TRANSFER: "/leadership/transfer",
}


def _tense(op: Operation) -> str:
    if op.sent:
        return "Sent"
    return "Not sent" if op.final else "Will be sent"


def findings(verdict: PreflightResult, difference: tuple[str, ...] = ()) -> list[BlockJson]:
    """What the preflight says: what moved, the arithmetic of votes, every block and warning with its next step."""
    shown: list[BlockJson] = []
    if difference:
        moved = "\n".join(f"• {escape(phrase)}" for phrase in difference)
        shown.append(section(f"*The cluster moved since the card before this one*\n{moved}"))
    quorum = verdict.check("quorum")
    if quorum is not None and quorum.level is CheckLevel.PASS:
        shown.append(section(f"*Votes*\n{escape(quorum.sentence)}"))
    loud = [check for check in verdict.checks if check.level is not CheckLevel.PASS]
    if loud:
        shown.append(section("\n".join(_check(check) for check in loud[:_SHOWN_CHECKS])))
    passed = [check for check in verdict.of_level(CheckLevel.PASS) if check is not quorum]
    if passed:
        told = " ".join(check.ended for check in passed)
        shown.append(
            context(f"{_MARKS[CheckLevel.PASS]} {count(len(passed), 'check')} passed: {escape(clip(told, 1500))}")
        )
    return shown


def _check(check: Check) -> str:
    name = {CheckLevel.BLOCK: "Refused", CheckLevel.WARN: "Mind"}[check.level]
    then = f" _{escape(check.next_step)}_" if check.next_step else ""
    return f"{_MARKS[check.level]} *{name}:* {escape(check.ended if then else check.sentence)}{then}"


def waits_for(op: Operation) -> str:
    """Whose approval is missing, in words."""
    requester = person(op.requester)
    if op.terms is None:
        return f"{requester} to confirm"
    policy = op.terms.policy
    if policy.also:
        return _waits_for_several(op.terms, requester)
    who = _source(policy.source)
    if policy.requester_may == "always" and policy.approvals == 1:
        return f"{requester}, or {who}, to confirm"
    got = f" ({len(op.approvals)} of {policy.approvals} so far)" if policy.approvals > 1 else ""
    number = "approval" if policy.approvals == 1 else f"{policy.approvals} approvals"
    if policy.requester_may == "never":
        return f"{number} by {who} other than {requester}{got}"
    return f"{number} by {_anyone(who)}{got} ({requester} may approve it too, if one of them)"


def _waits_for_several(terms: Terms, requester: str) -> str:
    """The same where more than one role or user group must approve."""
    needs = terms.missing or terms.policy.needs
    told = [f"{count(need.approvals, 'approval')} by {_source(need.source)}" for need in needs]
    never = terms.policy.requester_may == "never"
    others = f" other than {requester}" if never else f" ({requester} may approve it too, as one of them)"
    return f"{' and '.join(told)}{others}; one person may count for both"


def _anyone(who: str) -> str:
    """The same for one of several: who reads "an approver" next to a name takes it for that person."""
    article, _, role = who.partition(" ")
    return f"any {role}" if article in {"a", "an"} else who


def _source(source: str) -> str:
    if source.startswith("S"):
        return f"somebody in the user group {code(source)}"
    return f"an {source}" if source[0] in "aeo" else f"a {source}"

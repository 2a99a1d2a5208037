"""Parts of an operation's card: its title, what is sent, what the preflight found, who must approve. Pure.

`request` and `seen` of an operation are as change_request.py and evaluation.py write them; what an older release
wrote may lack keys.
"""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from bot.interactions.message import BlockJson
from bot.operations.model import Operation, OpKind, OpState
from bot.operations.preflight.verdict import Check, CheckLevel, PreflightResult
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


def word(op: Operation) -> str:
    """What a switch is turned to."""
    return "on" if op.request["on"] else "off"


_TITLES: Mapping[OpKind, Callable[[Mapping[str, Any], str], str]] = MappingProxyType(
    {
        OpKind.TASK_SWITCH: lambda asked, where: f"Turn {asked['task']} {'on' if asked['on'] else 'off'} in {where}",
        OpKind.MEMBER_ADD: lambda asked, where: (
            f"Add peer {asked['peer_id']} to {where} as a {'learner' if asked['learner'] else 'voter'}"
        ),
        OpKind.MEMBER_REMOVE: lambda asked, where: f"Remove peer {asked['peer_id']} from {where}",
        OpKind.LEADER_TRANSFER: lambda asked, where: f"Move the leadership of {where} to peer {asked['peer_id']}",
    }
)


def title(op: Operation) -> str:
    """What it does, in plain text."""
    lease = float(op.request.get("lease", 0.0))
    for_a_time = f" for {duration(lease)}" if lease else ""
    back = " again" if op.request.get("reverts") else ""
    return f"{_TITLES[op.kind](op.request, op.cluster)}{back}{for_a_time}"


def will_send(op: Operation) -> str:
    """The one request, in plain text."""
    if op.kind is OpKind.TASK_SWITCH:
        return f"{op.seen.get('key', '?')} = {json.dumps(op.seen.get('will_send'))} ({word(op)})"
    names = ("peer_id", "host", "node_host", "learner")
    told = {name: op.request[name] for name in names if name in op.request}
    return ", ".join(f"{name} {json.dumps(value)}" for name, value in told.items())


def facts(op: Operation) -> list[str]:
    """The fields of a card."""
    shown = [f"*Cluster*\n{escape(op.cluster)}"]
    shown += _switch_facts(op) if op.kind is OpKind.TASK_SWITCH else _member_facts(op)
    return [*shown, f"*Asked for by*\n{person(op.requester)}"]


def _switch_facts(op: Operation) -> list[str]:
    seen = op.seen
    named = f"*Background task*\n{code(op.request['task'])}"
    if "key" not in seen:
        return [named]
    return [
        named,
        f"*Value when looked at*\n{stored(seen['value'])}: {escape(seen['meaning'])}",
        f"*{_tense(op)}*\n{code(seen['key'])} = {stored(seen['will_send'])}: {word(op)}",
        f"*Dialect*\n{escape(seen['dialect'])}: {escape(clip(seen['why'], MAX_WORDS))}",
    ]


def _member_facts(op: Operation) -> list[str]:
    found = verdict_of(op)
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
    unsent = {OpState.BLOCKED, OpState.CANCELLED, OpState.SUPERSEDED}
    if op.state not in unsent and any(event.state is OpState.RUNNING for event in op.history):
        return "Sent"
    return "Not sent" if op.final else "Will be sent"


def verdict_of(op: Operation) -> PreflightResult | None:
    """The verdict that the card shows, None where there is none."""
    kept = op.seen.get("verdict")
    return PreflightResult.from_json(kept) if isinstance(kept, Mapping) else None


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
    if op.terms.get("also"):
        return _waits_for_several(op)
    terms, requester = op.terms, person(op.requester)
    who = _source(str(terms.get("source", "operator")))
    if not terms:
        return f"{requester} to confirm"
    if terms["requester_may"] == "always" and terms["approvals"] == 1:
        return f"{requester}, or {who}, to confirm"
    got = f" ({len(op.approvals)} of {terms['approvals']} so far)" if terms["approvals"] > 1 else ""
    number = "approval" if terms["approvals"] == 1 else f"{terms['approvals']} approvals"
    if terms["requester_may"] == "never":
        return f"{number} by {who} other than {requester}{got}"
    return f"{number} by {_anyone(who)}{got} ({requester} may approve it too, if one of them)"


def _waits_for_several(op: Operation) -> str:
    """The same where more than one role or user group must approve."""
    terms, requester = op.terms, person(op.requester)
    needs = {terms["source"]: terms["approvals"], **{need["source"]: need["approvals"] for need in terms["also"]}}
    short: Mapping[str, int] = terms.get("missing") or needs
    told = [f"{count(number, 'approval')} by {_source(str(source))}" for source, number in short.items()]
    never = terms["requester_may"] == "never"
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

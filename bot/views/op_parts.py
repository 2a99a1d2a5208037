"""Parts of an operation's card: its title, its request, the result of the preflight, the missing approvals. No I/O."""

import json
import re
from dataclasses import asdict

from bot.common.text import listed
from bot.interactions.message import BlockJson
from bot.operations.disk_series import SERIES, parts_of
from bot.operations.disk_step_facts import PartFailed, SeriesEnded
from bot.operations.model import ObservedDisk, Operation
from bot.operations.policy import Need, Policy, Terms
from bot.operations.preflight.verdict import Check, CheckLevel, PreflightResult
from bot.operations.requests import (
    DiskAccess,
    DiskBroken,
    DiskOffline,
    DiskRequest,
    DisksOffline,
    LeaderTransfer,
    MemberAdd,
    MemberRemove,
    NodeDrop,
    NodeOffline,
    OpKind,
    Request,
    TaskSwitch,
)
from bot.operations.step_facts import Difference, LegacyDifference
from bot.views.blocks import clip, code, count, duration, escape, section
from bot.views.preflight_text.table import check_text
from bot.views.step_text import difference_text, why_text
from bot.views.volume_margins import margins

MAX_VALUE = 60
MAX_WORDS = 600
_SHOWN_CHECKS = 8
_SHOWN_PARTS = 20
_MARKS = {CheckLevel.WARN: "⚠️", CheckLevel.BLOCK: "⛔"}


def person(user: str) -> str:
    """Mention of a person by their Slack id."""
    return f"<@{escape(user)}>"


def proposer(op: Operation) -> str:
    """Mention of the person who asked for an operation, or in whose name an agent did."""
    return f"an agent for {person(op.requester)}" if op.options.agent else person(op.requester)


def in_agents_words(op: Operation) -> bool:
    """True if an agent wrote the reason: that of the operation which ends a lease is of cmbot."""
    return op.options.agent and op.options.reverts is None


def reason_block(op: Operation) -> list[BlockJson]:
    """Paragraph with the reason; the words of an agent are marked as such, and nothing in them is formatted."""
    if not op.reason:
        return []
    if in_agents_words(op):
        return [section(f"*Reason, in the words of the agent*\n{code(op.reason)}")]
    return [section(f"*Reason*\n{escape(op.reason)}")]


def stored(value: str | None) -> str:
    """Stored value of a switch."""
    return "unset" if value is None else code(clip(json.dumps(value, ensure_ascii=False), MAX_VALUE))


def word(request: TaskSwitch) -> str:
    """Value that a switch is turned to."""
    return "on" if request.on else "off"


def title(op: Operation, *, in_cluster: bool = True) -> str:
    """Title of an operation, in plain text; without `in_cluster` the words `in CLUSTER` are left out."""
    for_a_time = f" for {duration(op.options.lease)}" if op.options.lease else ""
    back = " again" if op.options.reverts else ""
    words = _title(op.request, op.cluster)
    return f"{words if in_cluster else words.removesuffix(f' in {op.cluster}')}{back}{for_a_time}"


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
        case _:
            phrase = request_phrase(request)
            return f"{phrase[0].upper()}{phrase[1:]} in {cluster}"


def request_phrase(request: Request) -> str:
    """Request as a phrase: "add peer 4 as a learner"."""
    match request:
        case TaskSwitch():
            return f"turn {request.task} {word(request)}"
        case MemberAdd():
            return f"add peer {request.peer_id} as {'a learner' if request.learner else 'a voter'}"
        case MemberRemove():
            return f"remove peer {request.peer_id}"
        case LeaderTransfer():
            return f"move leadership to peer {request.peer_id}"
        case _:
            return _disk_phrase(request)


def _disk_phrase(request: DiskRequest) -> str:
    match request:
        case DiskAccess():
            return f"make disk #{request.disk_id} {'read-only' if request.readonly else 'writable'}"
        case DiskBroken():
            return f"declare disk #{request.disk_id} broken"
        case DiskOffline():
            return f"take disk #{request.disk_id} offline"
        case DisksOffline():
            names = listed([f"#{disk}" for disk in request.disk_ids])
            return f"take {count(len(request.disk_ids), 'disk')} offline: {names}"
        case NodeOffline():
            return f"take the blobnode {request.host} offline"
        case NodeDrop():
            return f"drop node {request.node_id}"


def will_send(op: Operation) -> str:
    """Request that is sent, in plain text."""
    request, switch = op.request, op.seen.switch
    if isinstance(request, TaskSwitch):
        key, value = (switch.key, switch.will_send) if switch else ("?", None)
        return f"{key} = {json.dumps(value)} ({word(request)})"
    if isinstance(request, DiskRequest):
        return _disk_calls(request)
    return ", ".join(f"{name} {json.dumps(value)}" for name, value in asdict(request).items())


def call_text(op: Operation) -> str:
    """Request that is sent, in mrkdwn: each path as code."""
    sent = _PATH.sub(lambda found: code(found[0]), escape(will_send(op)))
    return f"{code(_CALLS[op.kind])} {sent}" if op.kind in _CALLS else sent


def _disk_calls(request: DiskRequest) -> str:
    """Requests of a change of disks, each as it is sent, in their order."""
    match request:
        case DiskAccess():
            return f"/disk/access disk_id {request.disk_id}, readonly {json.dumps(request.readonly)}"
        case DiskBroken():
            return f"/disk/set disk_id {request.disk_id}, status 2"
        case DiskOffline():
            return f"/disk/access disk_id {request.disk_id}, readonly true; then /disk/drop disk_id {request.disk_id}"
        case DisksOffline():
            return "for each disk /disk/access, readonly true; then /disk/drop"
        case NodeOffline():
            return "for each disk /disk/access, readonly true; then /disk/drop; last /node/drop"
        case NodeDrop():
            return f"/node/drop node_id {request.node_id}"


def facts(op: Operation) -> list[str]:
    """Fields of a card."""
    shown = [f"*Cluster*\n{escape(op.cluster)}"]
    if isinstance(op.request, TaskSwitch):
        shown += _switch_facts(op, op.request)
    else:
        shown += _disk_facts(op) if isinstance(op.request, DiskRequest) else _member_facts(op)
    return [*shown, f"*{'Proposed' if op.options.agent else 'Asked for'} by*\n{proposer(op)}"]


def _switch_facts(op: Operation, request: TaskSwitch) -> list[str]:
    named = f"*Background task*\n{code(request.task)}"
    switch = op.seen.switch
    if switch is None:
        return [named]
    sent = f"{code(switch.key)} = {stored(switch.will_send)}: {word(request)}"
    return [
        named,
        f"*Value at the last check*\n{stored(switch.value)}: {escape(switch.meaning)}",
        f"*{_tense(op)}*\n{sent}",
    ]


def folded_facts(op: Operation) -> list[BlockJson]:
    """Facts of a card that few need: from what the dialect of a switch was concluded, and the members at the check."""
    shown = []
    if (switch := op.seen.switch) is not None:
        shown.append(f"*Dialect*\n{escape(switch.dialect)}: {escape(clip(why_text(switch.evidence), MAX_WORDS))}")
    found = op.seen.verdict
    if not isinstance(op.request, TaskSwitch | DiskRequest) and found is not None and found.fingerprint.leader:
        state = found.fingerprint
        voters = ", ".join(map(str, state.voters))
        shown.append(f"*At the last check*\npeer {state.leader} led in term {state.term}; voters {voters}")
    return [section("\n".join(shown))] if shown else []


def _disk_facts(op: Operation) -> list[str]:
    found = op.seen.verdict
    shown = [*_disk_requests(op), *map(_disk_fact, op.seen.disks)]
    more = len(found.fingerprint.disk_ids) - len(op.seen.disks) if found is not None else 0
    if more > 0 and op.seen.disks:
        shown.append(f"*Other disks*\n{count(more, 'more disk')}")
    least = found.fingerprint.least_left if found is not None else None
    if least is not None:
        worst = f"can lose {count(least, 'more unit')}" if least > 0 else "can lose no more units"
        shown.append(f"*Margin at the last check*\nthe worst volume {worst}")
    return shown


def _disk_requests(op: Operation) -> list[str]:
    """What is sent; of a series that has begun, the parts whose requests may be out, and those that are left."""
    parts = parts_of(op) if op.kind in SERIES else None
    if parts is None or not (parts.begun or parts.node_op):
        return [f"*{_tense(op)}*\n{call_text(op)}"]
    begun = [f"disk #{disk} by operation #{number}" for disk, number in parts.begun.items()]
    begun += [f"the node by operation #{parts.node_op}"] if parts.node_op else []
    shown = [f"*Begun*\n{_some(begun)}: each card has what was sent"]
    if parts.left:
        shown.append(f"*{'Not begun' if op.final else 'To begin'}*\n{_some([f'disk #{disk}' for disk in parts.left])}")
    return shown


def rest_proposal(op: Operation, ended: SeriesEnded) -> str:
    """Sentence with the command that proposes the rest of a series that stopped by itself; "" if nothing is left.

    The disk of the operation that failed belongs to the rest: its drop did not begin.
    """
    failed = ended.why.op if isinstance(ended.why, PartFailed) else 0
    undone = [disk for disk, number in parts_of(op).begun.items() if number == failed]
    if ended.why is None or not (ended.left or undone):
        return ""
    ids = " ".join(map(str, (*undone, *ended.left)))
    what = f"node offline {op.request.host}" if isinstance(op.request, NodeOffline) else f"disk offline {ids}"
    return f" To go on, propose the rest: {code(f'/cm {what} {op.cluster} reason=…')}."


def _some(names: list[str]) -> str:
    return listed(names, most=_SHOWN_PARTS)


def _disk_fact(disk: ObservedDisk) -> str:
    place = f"{code(disk.path)} on {code(disk.host)}, zone {code(disk.zone)}"
    if disk.units is None or disk.volumes is None:
        return f"*Disk #{disk.disk_id}*\n{place}; its units were not counted"
    return f"*Disk #{disk.disk_id}*\n{place}; {count(disk.units, 'unit')} of {count(disk.volumes, 'volume')}"


def _member_facts(op: Operation) -> list[str]:
    return [f"*{_tense(op)}*\n{call_text(op)}"]


_PATH = re.compile(r"(?<![\w:/.])/(?:disk|node)/[a-z]+")
_CALLS = {
    OpKind.MEMBER_ADD: "/member/add",
    OpKind.MEMBER_REMOVE: "/member/remove",
    OpKind.LEADER_TRANSFER: "/leadership/transfer",
}


def _tense(op: Operation) -> str:
    if op.sent:
        return "Sent"
    return "Not sent" if op.final else "Will be sent"


def findings(
    request: Request,
    verdict: PreflightResult,
    difference: Difference | LegacyDifference | None = None,
    *,
    op_id: int = 0,
) -> list[BlockJson]:
    """Result of the preflight: what changed, every block and warning with its next step, the volumes.

    The consequence is left out, because cards and replies show it before.

    `op_id` is the number of the operation, 0 if there is none.
    """
    shown: list[BlockJson] = []
    if difference is not None:
        changes = "\n".join(f"• {escape(phrase)}" for phrase in difference_text(difference))
        shown.append(section(f"*The cluster changed since the card before this one*\n{changes}"))
    consequence = as_consequence(request, verdict)
    loud = [check for check in verdict.checks if check.level is not CheckLevel.PASS and check is not consequence]
    if loud:
        shown.append(section("\n".join(_check(check) for check in loud[:_SHOWN_CHECKS])))
    shown += margins(verdict, op_id)
    return shown


def as_consequence(request: Request, verdict: PreflightResult) -> Check | None:
    """Warning that says what the change does, so that a card shows it as its consequence and not once more."""
    found = verdict.check("quorum" if isinstance(request, MemberAdd | MemberRemove) else "consequence")
    return found if found is not None and found.level is CheckLevel.WARN else None


def _check(check: Check) -> str:
    name = {CheckLevel.BLOCK: "Refused", CheckLevel.WARN: "Warning"}[check.level]
    text = check_text(check)
    then = f" _{escape(text.next_step)}_" if text.next_step else ""
    return f"{_MARKS[check.level]} *{name}:* {escape(text.ended if then else text.sentence)}{then}"


def waits_for(op: Operation) -> tuple[str, str]:
    """Whose approval is missing, up to the full stop; and a sentence on the requester's own approval, or ""."""
    requester, terms = person(op.requester), op.terms
    if terms is None:
        return f"{requester} to confirm.", ""
    policy = terms.policy
    own = _own(requester, terms)
    if policy.also:
        needs = " and ".join(_approvers(need) for need in terms.missing or policy.needs)
        return f"{needs}{_others(policy, requester)}; one person may count for both.", own
    need = Need(policy.source, policy.approvals)
    if policy.requester_may == "always" and policy.approvals == 1:
        return f"{requester} or {_approvers(need)} to confirm.", ""
    got = f" ({len(op.approvals)} of {policy.approvals} so far)" if policy.approvals > 1 else ""
    return f"{_approvers(need)}{_others(policy, requester)}{got}.", own


def _others(policy: Policy, requester: str) -> str:
    return f" other than {requester}" if policy.requester_may == "never" else ""


def _own(requester: str, terms: Terms) -> str:
    if terms.policy.requester_may == "never" or terms.requester_counts is False:
        return ""
    if terms.requester_counts or terms.policy.requester_may == "always":
        return f"{requester}, who asked, may approve it."
    return f"{requester}, who asked, may approve it if their role allows."


def _approvers(need: Need) -> str:
    number = "one" if need.approvals == 1 else f"{need.approvals}"
    if need.source.startswith("S"):
        return f"{number} {'member' if need.approvals == 1 else 'members'} of the user group {code(need.source)}"
    return f"{number} {need.source}{'' if need.approvals == 1 else 's'}"


def button_value(op: Operation) -> str:
    """Value of a button on the operation's card: its number, and the version that the card shows."""
    return json.dumps({"op": op.id, "v": op.version}, separators=(",", ":"))

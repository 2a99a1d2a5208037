"""What a form calls its changes, fields and options, for people who do not know the names of the arguments. No I/O.

An argument without an entry here has its own name as its label; a test names those of the present forms.
"""

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from bot.common.durations import EXPECTED
from bot.common.frozen import frozen
from bot.interactions.notes import MAX_NOTE
from bot.views.forms import FormWording


@frozen
class Words:
    """The label of a field, its hint ("": the description of the argument), and its options in words, by value."""

    label: str
    hint: str = ""
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


TITLES: Mapping[str, str] = MappingProxyType(
    {
        "task disable": "Turn a background task off",
        "task enable": "Turn a background task on",
        "leader transfer": "Move the leadership",
        "member add": "Add a member",
        "member remove": "Remove a member",
        "member replace": "Replace a lost member",
        "disk readonly": "Make a disk read-only",
        "disk writable": "Make a disk writable",
        "disk broken": "Declare a disk broken",
        "disk offline": "Take disks offline",
        "node offline": "Take all disks of a node offline",
        "maintenance start": "Start the maintenance of a host",
        "maintenance end": "End the maintenance of a host",
        "ack": "Acknowledge an alert",
        "unack": "Give back an alert",
        "note": "Keep a note",
        "silence": "Silence alerts",
        "unsilence": "Lift a silence",
        "op cancel": "Cancel an operation",
        "op reject": "Reject an operation",
        "op settle": "Settle an operation",
    }
)
"""The changes by the words of their command."""

_QUIET = "This takes effect at once and sends nothing to the cluster: it changes which alerts are announced."
_HOST = FormWording("Change a cluster", "Check and do", _QUIET, "Cancel")
_NOTHING_SENT = "This takes effect at once, and nothing is sent to the cluster."
WORDINGS: Mapping[str, FormWording] = MappingProxyType(
    {
        "maintenance start": _HOST,
        "maintenance end": _HOST,
        "ack": FormWording(TITLES["ack"], "Acknowledge", f"{_NOTHING_SENT} The alert's message names you."),
        "unack": FormWording(TITLES["unack"], "Give back", f"{_NOTHING_SENT} The alert's thread says so."),
        "note": FormWording(TITLES["note"], "Keep", "The note is posted at once in the thread, with your name."),
        "silence": FormWording(
            TITLES["silence"],
            "Silence",
            "This sends nothing to the cluster: it changes which alerts are announced. The alert channel is notified.",
        ),
        "unsilence": FormWording(TITLES["unsilence"], "Lift", f"{_QUIET} The alert channel is notified."),
        "op cancel": FormWording(TITLES["op cancel"], "Cancel it", f"{_NOTHING_SENT} Its card names you."),
        "op reject": FormWording(TITLES["op reject"], "Reject", f"{_NOTHING_SENT} Its card names you and the reason."),
        "op settle": FormWording(
            TITLES["op settle"],
            "Settle",
            f"{_NOTHING_SENT} Look at the cluster first: other operations may follow once this one is settled.",
        ),
    }
)
"""What the forms without a card are called, and what follows when they are sent; it is true for each of them."""

_SPAN = f"{EXPECTED[:1].upper()}{EXPECTED[1:]}"
_ADDRESS = "Name or IP address and port, as in 10.0.0.4:10110"
_SERVICE = Words(
    "Service address",
    "Where the node answers requests, as in 10.0.0.4:9998. Version 3.2 and later refuse a member without it",
)
_ALERT = Words("Alert", "The most severe ones come first")
_OPERATION = Words("Operation", "The newest ones come first")
_SILENCED = Words("Silence", "Also a planned one, or the maintenance of a host")
_MOMENT = "As in 22:00, sat 22:00 or 2026-11-28T22:00, in the cluster's time zone"
_NEW_ID = Words("Raft number of the new node", "A number that no member has")
_DISK = Words("Number of the disk", "As the list of disks shows it")
_COMMON: Mapping[str, Words] = MappingProxyType(
    {
        "reason": Words("Reason", "Why, for those who read the card"),
        "dry_run": Words("Only check", "You get what the checks find. Nothing is proposed."),
        "force": Words(
            "Override refused checks", "For emergencies: needs a reason, and two persons who approve the change"
        ),
        "task": Words("Background task", "The task to switch, as the list of tasks shows it"),
        "dialect": Words("Release of the cluster", "How the cluster stores its switches, if that is not detected"),
        "id": _DISK,
        "ids": Words("Numbers of the disks", "One or more, as the list of disks shows them, separated by spaces"),
        "node": _SERVICE,
    }
)
_OF: Mapping[tuple[str, str], Words] = MappingProxyType(
    {
        ("task disable", "for"): Words(
            "For how long",
            f"{_SPAN}; then the task goes back on. Empty: until further notice",
        ),
        ("task enable", "for"): Words(
            "For how long", f"{_SPAN}; then the task goes back off. Empty: until further notice"
        ),
        ("leader transfer", "peer_id"): Words("New leader", "The member that is to lead"),
        ("member add", "peer_id"): _NEW_ID,
        ("member add", "host"): Words("Raft address", _ADDRESS),
        ("member add", "as"): Words(
            "Joins as",
            "A learner copies the data first and does not vote",
            MappingProxyType({"learner": "learner (the safe way)", "normal": "voter, at once"}),
        ),
        ("member remove", "peer_id"): Words("Member to remove", "The member that leaves the raft group"),
        ("member replace", "dead"): Words("Lost member", "The member that does not come back"),
        ("member replace", "new"): _NEW_ID,
        ("member replace", "host"): Words("Raft address of the new node", _ADDRESS),
        ("node offline", "host"): Words(
            "Address of the node", "As the list of disks shows it, with or without the port"
        ),
        ("maintenance start", "host"): Words("Host", "As in 10.0.0.7 or 10.0.0.7:8899"),
        ("maintenance start", "for"): Words("For how long", _SPAN),
        ("maintenance start", "anyway"): Words("Start although it is not safe", "Needs a reason"),
        ("maintenance start", "reason"): Words("Reason", "Why, for those who read the alert channel"),
        ("maintenance end", "host"): Words("Host", "As the list of maintenances shows it"),
        ("ack", "id"): _ALERT,
        ("ack", "take"): Words("Take it over", "Needed for an alert that another person holds, whom its thread names"),
        ("ack", "for"): Words("For how long", f"{_SPAN}, at most 7 days; then it fires again. Empty: without an end"),
        ("unack", "id"): _ALERT,
        ("note", "about"): Words("About", "An open alert, or one of the last operations"),
        ("note", "text"): Words("Note", f"At most {MAX_NOTE:,} characters"),
        ("silence", "rule"): Words("Rule", "Those with open alerts come first"),
        ("silence", "for"): Words("For how long", f"{_SPAN}, at most 7 days. Empty: one hour"),
        ("silence", "from"): Words("From", f"{_MOMENT}. Empty: now"),
        ("silence", "until"): Words("Until", f"In place of the length. {_MOMENT}"),
        ("silence", "subject"): Words(
            "Only about", "The number of a peer, a host, a zone or a background task. Empty: all alerts of the rule"
        ),
        ("silence", "reason"): Words("Reason", "Why, for those who read the alert channel"),
        ("unsilence", "id"): _SILENCED,
        ("op cancel", "id"): _OPERATION,
        ("op reject", "id"): _OPERATION,
        ("op settle", "id"): _OPERATION,
        ("op settle", "outcome"): Words(
            "Outcome",
            "What the cluster shows",
            MappingProxyType({"done": "Done: the cluster did it", "not-done": "Not done: it did not, and will not"}),
        ),
        ("op settle", "reason"): Words("How that is known", "At least 3 characters"),
    }
)


def title_of(kind: str) -> str:
    """Return what a form calls a change, by the words of its command."""
    return TITLES.get(kind, kind.capitalize())


def words_of(kind: str, argument: str) -> Words:
    """Return the words for an argument of a change."""
    named = _OF.get((kind, argument)) or _COMMON.get(argument)
    return named or Words(argument.replace("_", " ").capitalize())


def is_named(kind: str, argument: str) -> bool:
    """True if the argument has separate words."""
    return (kind, argument) in _OF or argument in _COMMON

"""What a form calls its changes, fields and options, for people who do not know the names of the arguments. No I/O.

An argument without an entry here has its own name as its label; a test names those of the present forms.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bot.common.durations import EXPECTED


@dataclass(frozen=True, slots=True)
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
    }
)
"""The changes by the words of their command."""

_SPAN = f"{EXPECTED[:1].upper()}{EXPECTED[1:]}"
_ADDRESS = "Name or IP address and port, as in 10.0.0.4:10110"
_SERVICE = Words(
    "Service address",
    "Where the node answers requests, as in 10.0.0.4:9998. Version 3.2 and later refuse a member without it",
)
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
        ("maintenance end", "host"): Words("Host", "As the list of maintenances shows it"),
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

"""The hand-written part of docs/alerts.md: per rule why it matters and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Runbook:
    """What a person who is woken by a rule reads; `notes` is markdown about tuning, "" when the table says it all."""

    why: str
    steps: tuple[str, ...]
    notes: str = ""


RUNBOOKS: Mapping[str, Runbook] = MappingProxyType(
    {
        "cluster_unreachable": Runbook(
            "Nothing at all is known of the cluster while this fires: other alerts of it stay as they are. Either all "
            "its nodes are down, or the network between the bot and them is.",
            (
                "From the bot's own machine: `curl http://HOST/stat` for each configured host.",
                "If they answer others but not the bot, look at routes, firewalls and `clusters[].hosts`.",
                "A node that has no quorum when it starts does not open its HTTP port: start a majority of the nodes.",
                (
                    "`rejected the request token` for every host: compare the secret named by `token_env` with the "
                    "cluster's."
                ),
            ),
        ),
        "host_unreachable": Runbook(
            "The others still answer, so the cluster may well work, with one failure less to spare. A fresh leader can "
            "hold every request for ten seconds, so `hold` should stay well above that.",
            (
                "`/cm members` tells whether the leader still hears from the peer of that host.",
                "If it does, the node lives and only its HTTP side is unreachable from here: look at the network.",
                "If it does not, look at the node: its process, its log, its disk.",
                "Before anything else is stopped or removed, see what the quorum can still lose: `/cm stat`.",
            ),
        ),
        "no_leader": Runbook(
            "Without a leader nothing can be written: no volume is allocated, no disk is registered, no switch is set.",
            (
                "`/cm stat`: how many hosts answer? A majority of the voters must be up and reach each other.",
                "Start what is down; nodes elect a leader by themselves within seconds of having a quorum.",
                (
                    "If a majority is up, look for clocks far apart, full log disks and one-way network faults between "
                    "the raft addresses."
                ),
                "Do not remove members now: it cannot work without a leader, and it would make the quorum worse.",
            ),
        ),
        "leader_changed": Runbook(
            "One change is harmless: somebody moved the leadership, or a node was restarted. Many in a short time mean "
            "that a leader loses touch with its followers again and again, and each change stops writes for a moment.",
            (
                "Was it meant? A restart or a transfer explains it.",
                "If not, read the log of the peer that led before: a stall of its disk or network is the usual cause.",
                "More than two in ten minutes: look at load and network of the nodes that take turns.",
            ),
            "The same peer that wins an election in a higher term is no change. A change that happened while the bot "
            "was not running is told once, as such.",
        ),
        "peer_down": Runbook(
            "A voter that is down counts against the quorum; a learner that is down only stops catching up. The leader "
            "notices some seconds after a peer died.",
            (
                "Look at the node: its process, its log, and the network between the raft addresses.",
                "If it comes back it catches up by itself; `/cm members` shows by how far it is behind.",
                "If it is gone for good, add its successor first, and only then remove it.",
            ),
            "A learner is told at info at most.",
        ),
        "quorum_at_risk": Runbook(
            "Clustermgr does no such arithmetic itself: it lets a healthy voter be removed while another is dead, and "
            "then the group never has a leader again. While this fires, stop nothing and remove nothing.",
            (
                "The alert names the voters that are not proven healthy, and why; bring those back first.",
                (
                    "If their hosts merely do not answer the bot, the alert is a warning: make them reachable, so that "
                    "it can be proven."
                ),
                "A group of two voters is always at risk: add a third.",
            ),
            "A voter counts as healthy only when two looks, at least 3 s apart and under one leader in one term, prove "
            "it; see docs/architecture.md. `smallest_group: 3` accepts groups of two.",
        ),
        "read_only": Runbook(
            "A read-only Clustermgr refuses all changes. It is normally set on purpose, in the nodes' own "
            "configuration files.",
            (
                "Ask who set it and why; where it is meant to last, `read_only: {enabled: false}` for that cluster.",
                "To end it, change the configuration of the nodes and restart them one by one, followers first.",
            ),
            "Releases that do not tell (BlobStore v1) never raise it.",
        ),
        "disk_broken": Runbook(
            "While a disk is broken or being repaired its data has less redundancy. Repair runs by itself as long as "
            "the background task `disk_repair` is on; data is at risk only when more disks of the same stripes fail "
            "before it is done.",
            (
                "`/cm tasks`: is `disk_repair` on?",
                "`/cm disks status=broken` and `status=repairing` show them all; repairing must follow broken.",
                "Many disks of one host at once: look at the host first, not at the disks.",
                "Replace the hardware after the disk is repaired, not before.",
            ),
            "The disks come from `/disk/list`, which is immediate. When it cannot be asked, the leader's counters in "
            "`/stat`, which lag by minutes, can raise the alert or make it grow (without names), never resolve it. A "
            "disk leaves the alert once it is repaired or dropped.",
        ),
    }
)

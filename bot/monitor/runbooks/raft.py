"""Runbooks about the raft group: its leader, its peers and its members."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.monitor.runbooks.runbook import Runbook

RAFT: Mapping[str, Runbook] = MappingProxyType(
    {
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
        "membership_changed": Runbook(
            "Who is a member decides how many must agree. Somebody used another tool, or a node joined by itself; "
            "Clustermgr checks no arithmetic, so look at the quorum before anything else is changed.",
            (
                "`/cm members` shows who is in now, and `/cm stat` what the quorum can still lose.",
                "`/cm audit` tells whether anybody tried the same through cmbot.",
                "A node that was removed must be stopped: it still answers, with a frozen view, and forwards writes.",
                "Make it known where it was meant, and see that `clusters[].hosts` names the members' hosts.",
            ),
            "A change that an operation of cmbot caused is not told here: its own card says who asked and approved.",
        ),
    }
)

"""Runbooks about the raft group: its leader, its peers and its members."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.runbooks.runbook import Runbook

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
            "One change is harmless: a person moved the leadership, or a node was restarted. Many in a short time mean "
            "that a leader loses touch with its followers again and again, and each change stops writes for a moment.",
            (
                (
                    "Nothing, if a restart or a transfer explains it; if not, read the log of the peer that led "
                    "before: a stalled disk or network is the usual cause."
                ),
                "If it goes on, `leader_flapping` tells it, and this alert keeps quiet.",
            ),
            "The same peer that wins an election in a higher term is no change. A change that happened while the bot "
            "was not running is announced once, as such.",
        ),
        "peer_down": Runbook(
            "A voter that is down counts against the quorum; a learner that is down only stops catching up. The leader "
            "notices some seconds after a peer died.",
            (
                "Look at the node: its process, its log, and the network between the raft addresses.",
                "If it comes back it catches up by itself; `/cm members` shows by how far it is behind.",
                "If it is gone for good, `/cm member replace` removes it and then leads through adding its successor.",
            ),
            "A learner is info at most. A voter that `quorum_at_risk` names has no alert here.",
        ),
        "quorum_at_risk": Runbook(
            "Clustermgr does no such arithmetic itself: it lets a healthy voter be removed while another is dead, and "
            "then the group never has a leader again.",
            (
                (
                    "Bring back the voters that are named above; until then stop nothing, and remove nothing but a "
                    "voter that is lost for good (`/cm member replace`)."
                ),
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
            "Who is a member decides how many must agree. A person used another tool, or a node joined by itself; "
            "Clustermgr checks no arithmetic, so look at the quorum before anything else is changed.",
            (
                "`/cm members` shows who is in now, and `/cm stat` what the quorum can still lose.",
                "`/cm audit` tells whether anybody tried the same through cmbot.",
                "A node that was removed must be stopped: it still answers, with a frozen view, and forwards writes.",
                "Make it known where it was meant, and see that `clusters[].hosts` names the members' hosts.",
            ),
            "A change by an operation of cmbot has no alert here: its own card says who asked and approved.",
        ),
        "leader_flapping": Runbook(
            "Every change of leader stops all writes for a moment, and a leader that was just elected can hold what it "
            "is asked for seconds. A group that does this again and again is of little use.",
            (
                "The alert lists the changes: does it go back and forth between the same two peers, or through all?",
                "One peer that keeps losing it: a slow or full disk under its raft log, or a lossy network.",
                "All of them: the load of requests, or raft addresses that some of the nodes cannot reach.",
                "`/cm leader transfer` to the steadiest voter can buy time; it fixes nothing.",
            ),
            "Transfers made by operations of cmbot do not count. A new reply comes when the changes double.",
        ),
        "peer_lagging": Runbook(
            "A voter that is far behind cannot take over, and does not count as healthy: the quorum may have less to "
            "spare than it seems. One that falls ever further behind will not recover by itself.",
            (
                "`/cm members` shows by how many entries; look again after a minute.",
                "If it shrinks, wait. If it gets a snapshot, it catches up when that has arrived.",
                "If it grows, look at the disk, the load and the network of that node.",
                "A voter that never catches up can be replaced: `/cm member replace`.",
            ),
            "A peer that is down has `peer_down`; one that joined less than `newcomer` ago has no alert.",
        ),
        "apply_stalled": Runbook(
            "Raft has agreed on entries that this node does not carry out: its view of disks and switches is old. On "
            "the leader this stops the whole cluster, though everything looks elected and replicated.",
            (
                "Read the node's log: its database may be full, slow or damaged.",
                "On the leader: move the leadership to a voter that applies, `/cm leader transfer`.",
                "Restart the node; if it stalls at the same entry again, replace it.",
            ),
        ),
        "learner_ready": Runbook(
            "A learner costs a copy of everything and helps no quorum. This is for your information: a learner that is "
            "meant to stay one needs nothing.",
            (
                "Servers refuse to make a learner a voter in place: remove it, then add the same node as a voter.",
                "The alert has both commands; each is judged and approved like any other change.",
                "Between the two the group is as large as before: its quorum is not touched.",
            ),
            "Where learners are meant to stay: `learner_ready: {enabled: false}` for that cluster.",
        ),
        "hosts_disagree": Runbook(
            "One raft group has one leader in a term. Hosts that contradict each other are mostly not of one group: "
            "the settings mix two clusters, or name one node twice. Until that is fixed no change is let through.",
            (
                "`/cm members` and `curl http://HOST/stat` for each: compare node ids, leader and members.",
                "Take the hosts that belong elsewhere, or are named twice, out of `clusters[].hosts`.",
                (
                    "If all belong together, a leader is cut off from the others and does not know it: look at the "
                    "network between the raft addresses, and change nothing through that host."
                ),
            ),
            "An old leader gives up within seconds, so `hold` must stay well above the election time-out.",
        ),
        "stale_host": Runbook(
            "A node that was removed goes on answering as before: its clients get an old state, "
            "and what is written through it still reaches the leader.",
            (
                "Was it removed on purpose? Then stop its process, and take its host out of `clusters[].hosts`.",
                "If it is meant to be a member, add it again: `/cm member add`.",
                "If it was never one, the settings name a host of another cluster.",
            ),
        ),
        "leader_unseen": Runbook(
            "Only the leader knows how its peers do, which disks are broken and what space is left. While it cannot be "
            "asked, the watch is nearly blind: other alerts stay as they are and few new ones can come.",
            (
                "Add the service address of the leader to `clusters[].hosts`; name all members there.",
                "Until then `/cm leader transfer` to a configured one helps, if that is wanted.",
            ),
        ),
    }
)

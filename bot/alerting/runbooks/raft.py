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
            "One change is harmless: an operator moved the leadership, or a node was restarted. Many changes in "
            "a short time: leaders keep losing contact with their followers; each change stops writes for a moment.",
            (
                (
                    "Nothing, if a restart or a transfer explains it; if not, read the log of the peer that led "
                    "before: a stalled disk or network is the usual cause."
                ),
                "If the changes go on, `leader_flapping` fires and this alert stays quiet.",
            ),
            "If the same peer wins an election in a higher term, that is no change. A change that happened while the "
            "bot was not running is announced once and marked as such.",
        ),
        "peer_down": Runbook(
            "A voter that is down counts against the quorum; a learner that is down only stops catching up. The leader "
            "notices a dead peer after some seconds.",
            (
                "Look at the node: its process, its log, and the network between the raft addresses.",
                "When the node runs again, it catches up by itself; `/cm members` shows how far it is behind.",
                "If it is gone for good, `/cm member replace` removes it and then adds a new node step by step.",
            ),
            "The severity for a learner is info at most. A voter that `quorum_at_risk` names has no alert here.",
        ),
        "quorum_at_risk": Runbook(
            "Clustermgr does not check the quorum: it removes a healthy voter even while another one is dead, and then "
            "the group can never elect a leader again.",
            (
                (
                    "Bring back the unhealthy voters: `/cm members` names them. Until then stop no node, and remove "
                    "only a voter that is lost for good (`/cm member replace`)."
                ),
                (
                    "If only the bot cannot reach their hosts, the alert is a warning: make them reachable, so that "
                    "cmbot can prove the quorum."
                ),
                "A group of two voters is always at risk: add a third.",
            ),
            "A voter counts as healthy only if two polls prove it, at least 3 s apart and with the same leader and "
            "term. `smallest_group: 3` accepts groups of two.",
        ),
        "membership_changed": Runbook(
            "The members determine how many voters must agree. Another tool changed them, or a node joined by itself. "
            "Clustermgr does not check the quorum, so look at it before you change anything else.",
            (
                "`/cm members` shows the members, and `/cm stat` what the quorum can still lose.",
                "`/cm audit` shows whether the same change was requested through cmbot.",
                "Stop a node that was removed: its data is stale, but it still forwards writes to the leader.",
                "If the change was planned, inform your team, and make `clusters[].hosts` name the members' hosts.",
            ),
            "A change by an operation of cmbot raises no alert here: its card shows the requester and the approvers.",
        ),
        "leader_flapping": Runbook(
            "Every change of leader stops all writes for a moment, and a new leader can hold requests for seconds. "
            "Repeated changes make the cluster slow for all clients.",
            (
                "The alert lists the changes: does the leadership alternate between two peers, or pass through all?",
                "If one peer keeps losing it: a slow or full disk under its raft log, or a lossy network.",
                "If all of them do: the load of requests, or raft addresses that some of the nodes cannot reach.",
                "`/cm leader transfer` to the most stable voter gains time, but does not fix the cause.",
            ),
            "Transfers by operations of cmbot do not count. The alert is announced again each time the changes double.",
        ),
        "peer_lagging": Runbook(
            "A voter that is far behind cannot become leader and does not count as healthy, so the quorum may tolerate "
            "fewer failures than it seems. A voter that falls further and further behind will not recover by itself.",
            (
                "`/cm members` shows by how many entries; check again after a minute.",
                "If the gap shrinks, wait. If the node receives a snapshot, it catches up after that.",
                "If the gap grows, look at the disk, the load and the network of that node.",
                "A voter that never catches up can be replaced: `/cm member replace`.",
            ),
            "A peer that is down has `peer_down` instead; a peer that joined less than `newcomer` ago has no alert.",
        ),
        "apply_stalled": Runbook(
            "This node does not apply entries that raft has committed: its view of disks and switches is old. On the "
            "leader this stops the whole cluster, although a leader is elected and entries are replicated.",
            (
                "Read the node's log: its database may be full, slow or damaged.",
                "On the leader: move the leadership to a voter that applies, `/cm leader transfer`.",
                "Restart the node; if it stops at the same entry again, replace it.",
            ),
        ),
        "learner_ready": Runbook(
            "A learner holds a full copy of the data and does not count for the quorum. This alert is for information: "
            "a learner that must stay a learner needs no action.",
            (
                "Servers refuse to make a learner a voter in place: remove it, then add the same node as a voter.",
                "The alert has both commands; each passes the preflight and the approval like any other change.",
                "The number of voters does not change between the two, and neither does the quorum.",
            ),
            "If learners must stay learners, set `learner_ready: {enabled: false}` for that cluster.",
        ),
        "hosts_disagree": Runbook(
            "One raft group has one leader in a term. Hosts that contradict each other usually belong to two groups: "
            "the settings mix two clusters, or name one node twice. Until that is fixed, cmbot refuses every change.",
            (
                "`/cm members` and `curl http://HOST/stat` for each: compare node ids, leader and members.",
                "Take the hosts that belong elsewhere, or are named twice, out of `clusters[].hosts`.",
                (
                    "If all belong together, a leader has lost contact with the others and does not know it: look at "
                    "the network between the raft addresses, and make no change through that host."
                ),
            ),
            "An old leader steps down within seconds, so keep `hold` well above the election time-out.",
        ),
        "stale_host": Runbook(
            "A removed node still answers: its data is stale, so clients that read from it get an old state, but it "
            "still forwards writes to the leader.",
            (
                "If it was removed on purpose, stop its process and take its host out of `clusters[].hosts`.",
                "If it must be a member, add it again: `/cm member add`.",
                "If it was never a member, the settings name a host of another cluster.",
            ),
        ),
        "leader_unseen": Runbook(
            "Only the leader knows the state of its peers, the broken disks and the free space. While cmbot cannot "
            "reach it, other alerts stay as they are and few new ones can fire.",
            (
                "Add the service address of the leader to `clusters[].hosts`; name all members there.",
                "Until then `/cm leader transfer` to a configured voter helps.",
            ),
        ),
    }
)

"""Runbooks about hosts that do not answer, or answer incorrectly."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.runbooks.runbook import Runbook

REACH: Mapping[str, Runbook] = MappingProxyType(
    {
        "cluster_unreachable": Runbook(
            "The state of the cluster is unknown while this fires, and its other alerts stay as they are. Either all "
            "nodes are down, or the network between the bot and the nodes is.",
            (
                "From the bot's machine: `curl http://HOST/stat` for each configured host.",
                "If they answer others but not the bot, look at routes, firewalls and `clusters[].hosts`.",
                "A node that starts without a quorum does not open its HTTP port: start a majority of the nodes.",
            ),
        ),
        "host_unreachable": Runbook(
            "The other hosts still answer, so the cluster may well work, but it can lose one node less. A new leader "
            "can hold every request for ten seconds, so keep `hold` well above that.",
            (
                "`/cm members` shows whether the leader still hears from the peer of that host.",
                "If it does, the node runs and only its HTTP side is unreachable from here: look at the network.",
                "If it does not, look at the node: its process, its log, its disk.",
                "Before you stop or remove anything, check what the quorum can still lose: `/cm stat`.",
                "Take a host out of `clusters[].hosts` after its peer was removed.",
            ),
            "One dead node is one alert: while `peer_down`, `quorum_at_risk` or `no_leader` names its peer, there is "
            "no second alert for its host. A host that answers with errors has `api_error` or `auth_rejected`.",
        ),
        "api_error": Runbook(
            "The host answers, but not as a Clustermgr does: another service may use that address, or the node is "
            "faulty. A leader that answers `/stat` but lists no disks cannot get its reads through the quorum.",
            (
                "`curl http://HOST/stat` from the bot's machine: is it a Clustermgr at all, or a proxy before one?",
                "5xx: read the node's log at that time, with the trace id if an answer has one.",
                "Status 906 or 908: it waits for a quorum; see `/cm members` and `/cm stat`.",
                "If another service has that address now, correct `clusters[].hosts`.",
            ),
        ),
        "auth_rejected": Runbook(
            "The cluster is up but rejects the bot's token, so the state of the rejecting hosts is unknown. Other "
            "clients are affected only if their secret was changed as well.",
            (
                "Compare the secret named by `token_env` with that of the nodes' configuration files.",
                "If only some hosts reject it, their files differ: some nodes were not restarted with the new secret.",
                "After a change of the secret restart the bot; if the secret is in a file, a reload is enough.",
            ),
        ),
        "slow_answers": Runbook(
            "A node answers `/stat` from memory within milliseconds. If it takes seconds, the node or the network is "
            "overloaded or about to fail; a slow leader slows every client.",
            (
                "Are all hosts slow? Then look at the bot's machine and at the network first.",
                "One host: load, swapping and disk waits of its machine; for a leader the load of requests as well.",
                "`/cm members`: a node that is slow for its peers too falls behind.",
            ),
            "A new leader holds its answers for up to ten seconds: keep `hold` well above that.",
        ),
    }
)

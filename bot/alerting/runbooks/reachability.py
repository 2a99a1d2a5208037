"""Runbooks about hosts that do not answer, or not as they should."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.runbooks.runbook import Runbook

REACH: Mapping[str, Runbook] = MappingProxyType(
    {
        "cluster_unreachable": Runbook(
            "Nothing at all is known of the cluster while this fires: other alerts of it stay as they are. Either all "
            "its nodes are down, or the network between the bot and them is.",
            (
                "From the bot's own machine: `curl http://HOST/stat` for each configured host.",
                "If they answer others but not the bot, look at routes, firewalls and `clusters[].hosts`.",
                "A node that has no quorum when it starts does not open its HTTP port: start a majority of the nodes.",
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
                "A host whose peer was removed belongs out of `clusters[].hosts`.",
            ),
            "One dead node is one alert: while `peer_down`, `quorum_at_risk` or `no_leader` tell of its peer, its host "
            "has no alert beside it. A host that answers with errors has `api_error` or `auth_rejected`.",
        ),
        "api_error": Runbook(
            "A host that answers nonsense is not silent: another service may have that address, or the node is ill. A "
            "leader that tells its state but lists no disks cannot get its reads through the quorum.",
            (
                "`curl http://HOST/stat` from the bot's machine: is it a Clustermgr at all, or a proxy before one?",
                "5xx: read the node's log at that time, with the trace id where an answer gave one.",
                "Status 906 or 908: it waits for a quorum; see `/cm members` and `/cm stat`.",
                "If another service has that address now, correct `clusters[].hosts`.",
            ),
        ),
        "auth_rejected": Runbook(
            "The cluster is up but does not believe the bot, so the state behind the rejection is unknown. "
            "Other clients are not affected, unless their secret was changed as well.",
            (
                "Compare the secret named by `token_env` with that of the nodes' configuration files.",
                "If only some hosts reject it, their files differ: the nodes were not all restarted with the new one.",
                "After a change of the secret restart the bot: it is read at the start.",
            ),
        ),
        "slow_answers": Runbook(
            "/stat is answered from memory, in a few milliseconds: seconds mean a node (or a network) that is "
            "overloaded or about to fail, and the leader's slowness is everybody's.",
            (
                "Are all hosts slow? Then look at the bot's own machine and at the network first.",
                "One host: load, swapping and disk waits of its machine; for a leader the load of requests as well.",
                "`/cm members`: a node that is slow for its peers too falls behind.",
            ),
            "A fresh leader holds its answers for up to ten seconds: `hold` must stay well above that.",
        ),
    }
)

"""Runbooks about hosts that do not answer, or not as they should."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.monitor.runbooks.runbook import Runbook

REACH: Mapping[str, Runbook] = MappingProxyType(
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
    }
)

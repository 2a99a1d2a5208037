"""The runbook about the watch itself."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.runbooks.runbook import Runbook

ITSELF: Mapping[str, Runbook] = MappingProxyType(
    {
        "watch_blind": Runbook(
            "While this fires no alert of the cluster is raised, changed or resolved. An "
            "unreachable cluster is something else: the watch sees that, and `cluster_unreachable` says so.",
            (
                "The alert says why where it is known; the log of the bot has each failed look (`tick_failed`).",
                "`/readyz` names what does not work; `cmbot_watch_blind_seconds` says for how long.",
                "A database that does not answer is the usual cause: look at it first.",
                "Restart the bot when it hangs; it goes on where it was and tells what changed meanwhile.",
            ),
            "While the database is down nothing can be announced: readiness and metrics show it at once, and the "
            "channel is notified once, afterwards, with the time without a poll.",
        ),
        "own_network": Runbook(
            "No cluster answers from this process, and all went dark together: its own network is the likely cause. "
            "One alert in each alert channel says so, and one call goes to each on-call group, not one per cluster.",
            (
                "Look at the machine that runs cmbot: its network, routes, DNS, VPN and firewall.",
                "Run `cmbot status` on another machine: if clusters answer there, cmbot's network is the cause.",
                "When they answer nowhere, they have something else in common: their network or their power.",
            ),
            "Other alerts of the clusters wait meanwhile and follow as soon as one cluster answers. One that alone "
            "does not answer, or that went dark long before, has its own `cluster_unreachable`. With one cluster only, "
            "nothing can be compared, so this alert is never raised.",
        ),
    }
)

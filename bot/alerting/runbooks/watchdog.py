"""Runbooks about the watch itself."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.runbooks.runbook import Runbook

ITSELF: Mapping[str, Runbook] = MappingProxyType(
    {
        "watch_blind": Runbook(
            "While this fires, no alert of the cluster is raised, changed or resolved. An unreachable cluster is a "
            "different case: the watch sees it, and `cluster_unreachable` fires.",
            (
                "The alert names the cause, if it is known; the bot's log has each failed poll (`tick_failed`).",
                "`/readyz` names what does not work; `cmbot_watch_blind_seconds` shows for how long.",
                "The usual cause is a database that does not answer: look at it first.",
                "Restart the bot if it hangs: it continues where it stopped and reports what changed meanwhile.",
            ),
            "While the database is down, nothing can be posted: readiness and metrics show it at once. The channel "
            "gets one message afterwards with the time without polls.",
        ),
        "own_network": Runbook(
            "No cluster answers from this process, and all stopped answering together: its own network is the likely "
            "cause. Each alert channel gets one alert and each on-call group one call, not one per cluster.",
            (
                "Look at the machine that runs cmbot: its network, routes, DNS, VPN and firewall.",
                "Run `cmbot status` on another machine: if clusters answer there, cmbot's network is the cause.",
                "If they answer nowhere, look for what the clusters share: their network or their power.",
            ),
            "Other alerts of the clusters wait meanwhile and follow as soon as one cluster answers. A cluster that "
            "fails alone, or failed long before, has its `cluster_unreachable`. With a single cluster nothing can be "
            "compared, so this alert never fires.",
        ),
        "external": Runbook(
            "An Alertmanager sent this alert, because a label of it names the cluster. cmbot neither measured it nor "
            "knows what it means; what stands in code marks is its text.",
            (
                "Look at the alert where it comes from: the address is in the message, if Alertmanager sent one.",
                "Compare with `/cm stat` and `/cm alerts` of the cluster: both may have one cause.",
                "Silence it in Alertmanager if no one needs it; `/cm silence external` mutes it in Slack only.",
            ),
            "It ends when Alertmanager reports its end, or does not report it again within `inputs.expire_after`. Set "
            "that to more than twice the `repeat_interval` of its route. Its severity is that of the label "
            "`severity`: `critical` and `page` are critical, `info` and `none` are info, any other word is a warning.",
        ),
    }
)

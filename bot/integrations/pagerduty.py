"""Alerts to PagerDuty (Events API v2): one incident for each alert, by its dedup_key."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from bot.alerting.model import AlertState
from bot.alerting.receivers import OutputAlert
from bot.common.frozen import frozen
from bot.integrations.client import DeliveryFailed, HttpClient, encoded
from bot.integrations.reach import reach
from bot.integrations.sender import ReceiverTarget, rfc3339
from bot.store.repositories.outputs import OutputClaim
from bot.views.output_text import severity_word

_ACTIONS: Mapping[AlertState, tuple[str, ...]] = MappingProxyType(
    {
        AlertState.PENDING: ("trigger",),
        AlertState.FIRING: ("trigger",),
        AlertState.ACKNOWLEDGED: ("trigger", "acknowledge"),
        AlertState.RESOLVED: ("resolve",),
    }
)
_MAX_KEY = 255
_MAX_SUMMARY = 1024
_ABOUT_KEY = re.compile(rb"routing.key", re.IGNORECASE)
"""An answer 400 with it is about the settings, not about the alert: `Invalid routing key`."""


@frozen
class PagerDutySender:
    """Tells PagerDuty, or another service that takes its events."""

    target: ReceiverTarget
    client: HttpClient
    again: float = 0.0
    batch: int = 1
    apart: float = 0.0

    async def send(self, claims: Sequence[OutputClaim]) -> None:
        """Trigger, acknowledge or resolve the incident of each alert; PagerDuty ignores an event that it knows.

        An acknowledged alert triggers first, because PagerDuty acknowledges no incident that it does not have. The end
        is sent always: the answer to an earlier event may have been lost.
        """
        for claim in claims:
            for action in _ACTIONS[claim.alert.state]:
                body = encoded(self._event(claim.alert, action))
                await self._post(body)

    async def _post(self, body: bytes) -> None:
        try:
            await self.client.post(self.target.url, body, context=self.target.context)
        except DeliveryFailed as error:
            if error.refused and _ABOUT_KEY.search(error.answer):
                raise DeliveryFailed(f"it refuses the key: {error}") from error
            raise

    async def check(self) -> str:
        """Connect: PagerDuty says what a key is worth only when it gets an event."""
        return await reach(self.target)

    def _event(self, alert: OutputAlert, action: str) -> dict[str, Any]:
        event: dict[str, Any] = {
            "routing_key": self.target.key,
            "event_action": action,
            "dedup_key": alert.key[:_MAX_KEY],
        }
        if action != "trigger":
            return event
        event["payload"] = {
            "summary": f"{alert.cluster}: {alert.summary}"[:_MAX_SUMMARY],
            "source": alert.cluster,
            "severity": severity_word(alert.severity),
            "timestamp": rfc3339(alert.since),
            "component": alert.subject or alert.cluster,
            "group": alert.cluster,
            "class": alert.rule,
            "custom_details": {"details": list(alert.details), "runbook": self.target.runbook(alert)},
        }
        if self.target.docs_url:
            event["links"] = [{"href": self.target.runbook(alert), "text": "Runbook"}]
        return event

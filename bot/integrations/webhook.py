"""Alerts to a webhook: one request for each change, signed with HMAC-SHA256, with the id of the event."""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Any

from bot.common.frozen import frozen
from bot.integrations.client import HttpClient, encoded
from bot.integrations.reach import reach
from bot.integrations.sender import ReceiverTarget, rfc3339
from bot.store.repositories.outputs import OutputClaim
from bot.views.output_text import severity_word

EVENT, TIMESTAMP, SIGNATURE = "X-Cmbot-Event", "X-Cmbot-Timestamp", "X-Cmbot-Signature"
"""The headers."""


@frozen
class WebhookSender:
    """Tells a webhook. `wall` is the system clock: the receiver compares the time of the signature with its own."""

    target: ReceiverTarget
    client: HttpClient
    wall: Callable[[], float]
    again: float = 0.0
    batch: int = 1
    apart: float = 0.0

    async def send(self, claims: Sequence[OutputClaim]) -> None:
        """Send each alert in its own request."""
        for claim in claims:
            body, at = encoded(self._body(claim)), f"{self.wall():.0f}"
            headers = {EVENT: claim.event, TIMESTAMP: at, SIGNATURE: signature(self.target.secret, at, body)}
            await self.client.post(self.target.url, body, headers=headers, context=self.target.context)

    async def check(self) -> str:
        """Connect."""
        return await reach(self.target)

    def _body(self, claim: OutputClaim) -> dict[str, Any]:
        alert = claim.alert
        return {
            "version": 1,
            "event": claim.event,
            "alert": {
                "id": alert.id,
                "key": alert.key,
                "cluster": alert.cluster,
                "rule": alert.rule,
                "subject": alert.subject,
                "severity": severity_word(alert.severity),
                "state": alert.state.value,
                "summary": alert.summary,
                "details": list(alert.details),
                "outcome": alert.outcome,
                "runbook": self.target.runbook(alert),
                "since": rfc3339(alert.since),
                "announced_at": rfc3339(alert.fired_at),
                "resolved_at": rfc3339(alert.resolved_at) if alert.resolved_at else None,
                "acknowledged_by": alert.acked_by,
                "silenced": alert.silenced,
            },
        }


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The signature of a request: v1, HMAC-SHA256 over `v1:timestamp:body`, in hexadecimal."""
    signed = b"v1:" + timestamp.encode() + b":" + body
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()

"""Alerts to an Alertmanager (API v2): open ones are reported again before they expire there, ended ones as ended."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bot.alerting.receivers import OutputAlert
from bot.common.frozen import frozen
from bot.integrations.client import DeliveryFailed, HttpClient, encoded
from bot.integrations.sender import ReceiverTarget, rfc3339
from bot.store.repositories.outputs import OutputClaim
from bot.views.output_text import severity_word

SOURCE = "cmbot"
"""Value of the label `source`: an alert that has it came from cmbot, and does not come back in."""
LIVES = 4
"""An open alert ends in Alertmanager after so many times `again` without a report, as Prometheus does."""
_ALERTS = "api/v2/alerts"


@frozen
class AlertmanagerSender:
    """Tells an Alertmanager. `wall` is the system clock: Alertmanager compares the times with its own."""

    target: ReceiverTarget
    client: HttpClient
    wall: Callable[[], float]
    again: float = 60.0
    batch: int = 50
    apart: float = 0.0

    async def send(self, claims: Sequence[OutputClaim]) -> None:
        """Report these alerts; one that changed a label ends under its former labels."""
        body = [each for claim in claims for each in self._reports(claim)]
        await self.client.post(self._url(_ALERTS), encoded(body), headers=self._headers(), context=self.target.context)

    async def check(self) -> str:
        """Ask for the version."""
        answer = await self.client.get(self._url("api/v2/status"), headers=self._headers(), context=self.target.context)
        try:
            return f"Alertmanager {answer.data['versionInfo']['version']:.20}"
        except (KeyError, TypeError, ValueError) as error:
            raise DeliveryFailed("it is not an Alertmanager with the API v2") from error

    def _url(self, path: str) -> str:
        return f"{self.target.url.removesuffix(_ALERTS).rstrip('/')}/{path}"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.target.key}"} if self.target.key else {}

    def _reports(self, claim: OutputClaim) -> Iterator[dict[str, Any]]:
        now = self.wall()
        labels = labels_of(claim.alert)
        if claim.delivered is not None and labels_of(claim.delivered) != labels:
            yield self._report(claim.delivered, now)
        ends = now + LIVES * self.again if claim.alert.open else min(now, claim.alert.resolved_at or now)
        yield self._report(claim.alert, ends)

    def _report(self, alert: OutputAlert, ends: float) -> dict[str, Any]:
        annotations = {
            "summary": alert.summary,
            "description": "\n".join(alert.details),
            "runbook": self.target.runbook(alert),
            "outcome": alert.outcome,
            "acknowledged_by": alert.acked_by,
        }
        return {
            "labels": labels_of(alert),
            "annotations": {name: value for name, value in annotations.items() if value},
            "startsAt": rfc3339(alert.since),
            "endsAt": rfc3339(max(ends, alert.since)),
            **({"generatorURL": self.target.runbook(alert)} if self.target.docs_url else {}),
        }


def labels_of(alert: OutputAlert) -> dict[str, str]:
    """The labels, which are the identity of an alert in Alertmanager."""
    labels = {
        "alertname": alert.rule,
        "cluster": alert.cluster,
        "severity": severity_word(alert.severity),
        "subject": alert.subject,
        "source": SOURCE,
    }
    return {name: value for name, value in labels.items() if value}

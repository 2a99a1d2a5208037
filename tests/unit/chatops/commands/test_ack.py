"""/cm ack and /cm alerts: for operators of the alert's cluster, and answered with the alert."""

from dataclasses import replace

import pytest

from bot.alerting.details import ReadOnly
from bot.alerting.model import Alert, AlertState, Severity
from bot.common.errors import UserError
from tests.support.in_memory_ports import FakeAlerts, FakeCluster, typed
from tests.support.view_samples import AT

OPEN = Alert("prod", "read_only", "", AlertState.FIRING, Severity.WARNING, ReadOnly(), AT - 60.0, id=17)


async def test_alert_is_acknowledged_by_the_person_who_typed() -> None:
    alerts = FakeAlerts((replace(OPEN, state=AlertState.ACKNOWLEDGED, acked_by="U0ANNA", acked_at=AT),))
    [reply] = await typed("ack 17", alerts=alerts)
    assert alerts.done == [("ack", 17, "U0ANNA")]
    assert "17" in reply.message.text


async def test_alert_is_taken_over_for_a_time() -> None:
    held = replace(OPEN, state=AlertState.ACKNOWLEDGED, acked_by="U0BEN", acked_at=AT)
    alerts = FakeAlerts((held,))
    [reply] = await typed("ack 17 take for=2h", alerts=alerts)
    assert alerts.done == [("ack", 17, "U0ANNA", 7200.0, "take")]
    assert "You took over alert #17" in reply.message.text
    assert "<@U0BEN>" in reply.message.text


async def test_alert_is_given_back() -> None:
    alerts = FakeAlerts((replace(OPEN, state=AlertState.FIRING),))
    [reply] = await typed("unack 17", alerts=alerts)
    assert alerts.done == [("unack", 17, "U0ANNA")]
    assert "You gave back alert #17" in reply.message.text


async def test_alerts_of_one_cluster_are_listed() -> None:
    """At night another cluster's alerts are in the way; a wrong name lists the right ones."""
    alerts = FakeAlerts((replace(OPEN, state=AlertState.FIRING), replace(OPEN, cluster="other", id=18)))
    known = (FakeCluster(), FakeCluster("other"), FakeCluster("third"))
    texts = [(await typed(line, *known, alerts=alerts))[0].message.text for line in ("alerts", "alerts other")]
    assert texts == ["2 alerts are open.", "1 alert is open in other."]
    [none] = await typed("alerts cluster=third", *known, alerts=alerts)
    assert none.message.text == "No alert is open in third."
    with pytest.raises(UserError, match="Configured: prod"):
        await typed("alerts cluster=prdo", *known, alerts=alerts)

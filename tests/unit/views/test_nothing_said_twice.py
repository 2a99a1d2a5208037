"""Lists say nothing twice, and end with the next step."""

from bot.alerting.model import Alert, AlertState, LegacyDetail, Severity
from bot.common.errors import ClusterUnreachable
from bot.views.alert_lists import alerts
from bot.views.parts import why_silent
from tests.support.raft_snapshots import failing
from tests.support.view_samples import seen
from tests.support.watch_builders import host, polled


def test_silent_host_is_named_once() -> None:
    gone = ClusterUnreachable(f"{host(2)} refuses connections.", host=host(2))
    snapshot = failing(polled(100.0, silent=(3,)), 2, error=gone)
    assert why_silent(snapshot) == [
        f"`{host(2)}` refuses connections.",
        f"`{host(3)}` is silent: It did not answer in time.",
    ]


def test_list_of_alerts_ends_with_what_to_do() -> None:
    found = Alert("prod", "x", "", AlertState.FIRING, Severity.WARNING, LegacyDetail("Ill."), 90.0, fired_at=90.0, id=4)
    assert "`/cm alert 4` shows one in full, `/cm ack 4` acknowledges it" in seen(
        alerts([found], silences=0, now=100.0)
    )
    assert "/cm" not in seen(alerts([], silences=0, now=100.0))

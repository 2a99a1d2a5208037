"""Rules about cmbot itself: the watch polls nothing successfully, and no cluster answers from here. No I/O."""

from bot.alerting.cluster_state.state import NOTE_EVERY
from bot.alerting.details import OwnNetworkLost, PollFailure, PollFailureKind, PollsFail
from bot.alerting.model import Finding, Severity
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule, RuleConfig, RuleContext, Threshold, Unit, ended
from bot.alerting.text import one_line
from bot.common.errors import CmbotError
from bot.common.frozen import frozen

SHORTEST = 60.0
"""Seconds without a successful poll before the rule fires, at least, where the settings give none."""
_INTERVALS = 3


@frozen
class PollTimes:
    """Last successful poll of a cluster: in this process (`done_at`) and in any, as far as stored (`stored_at`)."""

    done_at: float
    stored_at: float
    interval: float

    def stale_since(self, now: float, limit: float) -> float:
        """Since when no process polls it successfully (Unix seconds), 0 while that is no longer than `limit`.

        Another process stores its polls once a minute at least, so `stored_at` may be that old.
        """
        stored_limit = max(limit, NOTE_EVERY + 2 * self.interval)
        # A time in the future was stored by a wrong clock: it proves nothing.
        stored_at = self.stored_at if self.stored_at <= now + NOTE_EVERY else 0.0
        here, anywhere = now - self.done_at, now - stored_at
        return max(self.done_at, stored_at) if here > limit and anywhere > stored_limit else 0.0


def patience(rule: Rule, interval: float) -> float:
    """Seconds for which polls every `interval` may fail before the rule fires."""
    set_to = rule.values.get("after", 0.0)
    return set_to or max(SHORTEST, _INTERVALS * interval)


def stale_finding(rule: Rule, failure: PollFailure | None) -> Finding:
    """The finding of a watch that is stale; it stays the same while that lasts."""
    return Finding(rule.key, "", rule.severity, PollsFail(failure))


def poll_failure(error: Exception) -> PollFailure:
    """The reason why a poll failed."""
    if isinstance(error, CmbotError):
        return PollFailure(PollFailureKind.ERROR, one_line(str(error), 300))
    return PollFailure(PollFailureKind.UNEXPECTED, type(error).__name__)


def _sees(_: RuleContext, __: RuleConfig) -> Answer:
    # A poll that gets this far succeeded: the watchdog raises this alert.
    return ()


def _own_network(context: RuleContext, limits: RuleConfig) -> Answer:
    lost = context.isolation
    if lost is None:
        return ()
    if lost.carrier != context.cluster or context.now - lost.since < limits["after"]:
        return CANNOT_TELL
    detail = OwnNetworkLost(tuple(lost.clusters), lost.place)
    return (Finding(OWN_NETWORK.key, "", limits.severity, detail),)


WATCH_BLIND = Rule(
    key="watch_blind",
    about="The watch itself fails: no poll of the cluster succeeds.",
    severity=Severity.CRITICAL,
    for_seconds=0,
    clear=0,
    remind=1800,
    finds=_sees,
    resolved=ended,
    thresholds={
        "after": Threshold(0, Unit.SECONDS, "blind for so long; 0 s is three intervals, one minute at least"),
    },
)

OWN_NETWORK = Rule(
    key="own_network",
    about="No cluster answers from here: cmbot's own network is the likely cause. One alert for all of them.",
    severity=Severity.CRITICAL,
    for_seconds=0,
    clear=30,
    remind=1800,
    finds=_own_network,
    resolved=ended,
    thresholds={"after": Threshold(20, Unit.SECONDS, "no cluster answered for so long")},
)

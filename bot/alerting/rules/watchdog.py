"""The rule about the watch itself: for how long it may get nothing done before that is told. Pure."""

from dataclasses import dataclass

from bot.alerting.cluster_state.state import NOTE_EVERY
from bot.alerting.model import Alert, Finding, Severity
from bot.alerting.rules.base import Answer, Rule, RuleConfig, RuleContext, Threshold, Unit
from bot.alerting.text import plain
from bot.common.errors import CmbotError

SHORTEST = 60.0
"""Seconds that the watch may be blind at least before it is told, where the settings say nothing."""
_INTERVALS = 3


@dataclass(frozen=True, slots=True)
class PollTimes:
    """When the watch of a cluster last got through: in this process (`done_at`) and in any, as far as was noted."""

    done_at: float
    noted_at: float
    interval: float

    def blind_since(self, now: float, limit: float) -> float:
        """Since when nobody sees (Unix seconds), 0 while that is no longer than `limit`.

        What another process saw is noted once a minute at least, so that is how late it may look.
        """
        noted_limit = max(limit, NOTE_EVERY + 2 * self.interval)
        # A time to come was noted by a clock that was wrong: it says nothing about who sees now.
        noted_at = self.noted_at if self.noted_at <= now + NOTE_EVERY else 0.0
        here, anywhere = now - self.done_at, now - noted_at
        return max(self.done_at, noted_at) if here > limit and anywhere > noted_limit else 0.0


def patience(rule: Rule, interval: float) -> float:
    """Seconds that looks every `interval` may fail to come through before the rule tells it."""
    set_to = rule.values.get("after", 0.0)
    return set_to or max(SHORTEST, _INTERVALS * interval)


def blind_finding(rule: Rule, cluster: str, why: str) -> Finding:
    """What is wrong, in words that do not change while it lasts."""
    sentence = f"The watch of {cluster} is blind: no look at it comes through, so nothing new is told of it."
    return Finding(rule.key, "", rule.severity, sentence, (why,) if why else ())


def why_failed(error: Exception) -> str:
    """Why a look did not come through, as a person may read it."""
    if isinstance(error, CmbotError):
        return plain(str(error), 300)
    return f"An unexpected {type(error).__name__}: the log has the rest."


def _sees(_: RuleContext, __: RuleConfig) -> Answer:
    # Whatever gets as far as being judged has come through: it is the sentry that raises this alert.
    return ()


def _sees_again(context: RuleContext, _: Alert) -> str:
    return f"The watch of {context.cluster} sees again."


WATCH_BLIND = Rule(
    key="watch_blind",
    about="The watch itself gets nothing done: no look at the cluster comes through.",
    severity=Severity.CRITICAL,
    hold=0,
    clear=0,
    remind=1800,
    looks=_sees,
    resolved=_sees_again,
    thresholds={
        "after": Threshold(0, Unit.SECONDS, "blind for so long; 0 s is three intervals, one minute at least"),
    },
)

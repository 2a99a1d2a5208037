"""Grouping: when too many alerts fire at once, further ones go into one group message, until that ends. No I/O.

A storm begins with the first message beyond a limit, of one cluster or of a channel that several share. During a storm
a new alert is listed in the channel's group message, which is edited, instead of a separate message. The rules
of NEVER_WILDCARD_SILENCED always get a separate message. A storm ends when the window has at most half the limit. The
most severe alerts that still fire then get their own message, and the group message lists the others until they
resolve: every firing alert has a message or is listed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from typing import Protocol, Self, TypeVar

from bot.alerting.model import Alert, AlertState, Severity
from bot.alerting.rules.table import NEVER_WILDCARD_SILENCED
from bot.alerting.topics import most_severe_first
from bot.alerting.transition import NOTIFYING, Transition, TransitionReason, Visibility, following, noted
from bot.common.frozen import frozen
from bot.common.message_key import MessageKey

WHOLE_CHANNEL = ""
"""Scope of a storm over all clusters of a channel; any other scope is a cluster's name."""
_MAX_ARRIVALS = 2000


class Grouped(Protocol):
    """What a group needs of each alert: an Alert has it, and a GroupMember has nothing else."""

    @property
    def id(self) -> int:
        """Number of the alert."""

    @property
    def cluster(self) -> str:
        """Its cluster."""

    @property
    def rule(self) -> str:
        """Its rule."""

    @property
    def state(self) -> AlertState:
        """Its state."""

    @property
    def severity(self) -> Severity:
        """Its severity."""

    @property
    def since(self) -> float:
        """Since when it is wrong (Unix seconds)."""

    @property
    def open(self) -> bool:
        """True until it is resolved."""

    @property
    def group(self) -> str | None:
        """Key of the group that lists it."""


G = TypeVar("G", bound=Grouped)


@frozen
class GroupMember:
    """An alert as a group counts it, without its facts: a storm has thousands."""

    id: int
    cluster: str
    rule: str
    state: AlertState
    severity: Severity
    since: float
    group: str | None

    @property
    def open(self) -> bool:
        """True until it is resolved."""
        return self.state is not AlertState.RESOLVED


@frozen
class GroupingLimits:
    """Limits of first posts before alerts are grouped: per `cluster` and per `channel`, `within` so many seconds."""

    cluster: int = 6
    channel: int = 10
    within: float = 300.0

    def of(self, scope: str) -> int:
        """Return the limit of a scope."""
        return self.channel if scope == WHOLE_CHANNEL else self.cluster


@frozen
class AlertGroup:
    """One storm of a channel and the message that lists its alerts.

    `message_key` names the message, `ids` are all alerts ever listed in it, `lines` counts its thread replies. The
    storm is active while `scopes` are over their limits; `ended_at` is 0 until then. `due` are the alerts that then
    get a message each.
    """

    message_key: MessageKey
    since: float
    scopes: tuple[str, ...]
    ids: tuple[int, ...] = ()
    lines: int = 0
    ended_at: float = 0.0
    due: tuple[int, ...] = ()

    @property
    def active(self) -> bool:
        """True while new alerts are still listed in it."""
        return not self.ended_at

    def takes(self, cluster: str) -> bool:
        """True if a new alert of this cluster is listed in it."""
        return self.active and (cluster in self.scopes or WHOLE_CHANNEL in self.scopes)


@frozen
class ChannelHistory:
    """Recent posts of one channel: the time of each first post of a cluster, and the open alert groups."""

    channel: str
    arrivals: tuple[tuple[str, float], ...] = ()
    groups: tuple[AlertGroup, ...] = field(default=())
    made: int = 0

    @property
    def storm(self) -> AlertGroup | None:
        """The active group, None outside a storm."""
        return next((group for group in self.groups if group.active), None)

    def group(self, message_key: MessageKey) -> AlertGroup | None:
        """Return the group with that message."""
        return next((group for group in self.groups if group.message_key == message_key), None)

    def with_group(self, group: AlertGroup) -> Self:
        """Return the history with this group added or replaced."""
        others = tuple(held for held in self.groups if held.message_key != group.message_key)
        return replace(self, groups=(*others, group))

    def without(self, message_key: MessageKey) -> Self:
        """Return the history without that group."""
        return replace(self, groups=tuple(held for held in self.groups if held.message_key != message_key))

    def count(self, scope: str, since: float) -> int:
        """Number of first posts in a scope after `since`."""
        return sum(at > since and scope in {WHOLE_CHANNEL, cluster} for cluster, at in self.arrivals)


def group_alerts(
    history: ChannelHistory,
    transitions: Sequence[Transition],
    alerts: Iterable[Alert],
    limits: GroupingLimits,
    now: float,
) -> tuple[ChannelHistory, tuple[Transition, ...]]:
    """Group alerts that are too many; return the new channel history and the transitions to post.

    `alerts` are the open alerts of the cluster; those due get their own message once the storm is over.
    """
    settled = list(transitions)
    # Most severe first, so that these get their own messages.
    for place in sorted(range(len(settled)), key=lambda place: most_severe_first(settled[place].new)):
        fires = settled[place].reason is TransitionReason.FIRED
        if fires and settled[place].new.notes.folded is None:
            history, settled[place] = _arrived(history, settled[place], limits, now)
    return _ended(history, limits, now), tuple(_surfaced(history, settled, alerts, now))


def due(alerts: Iterable[Grouped], limits: GroupingLimits) -> tuple[int, ...]:
    """Return the ids of the alerts that get a message when the storm ends: the most severe unacknowledged ones."""
    calling = [alert for alert in alerts if alert.state is AlertState.FIRING]
    return tuple(alert.id for alert in worst_first(calling)[: limits.cluster])


def listed(group: AlertGroup, alerts: Iterable[G]) -> list[G]:
    """Return the alerts still listed in the group: open, and without a separate message."""
    key = str(group.message_key)
    return [alert for alert in alerts if alert.open and alert.group == key]


def worst_first(alerts: Iterable[G]) -> list[G]:
    """Sort alerts: the most severe first, then by topic and rule, then the oldest."""
    return sorted(alerts, key=most_severe_first)


def _arrived(
    history: ChannelHistory, transition: Transition, limits: GroupingLimits, now: float
) -> tuple[ChannelHistory, Transition]:
    since, cluster = now - limits.within, transition.new.cluster
    lately = tuple(arrival for arrival in history.arrivals if arrival[1] > since)[-_MAX_ARRIVALS:]
    history = replace(history, arrivals=(*lately, (cluster, now)))
    if transition.new.rule in NEVER_WILDCARD_SILENCED:
        return history, transition
    over = tuple(scope for scope in (cluster, WHOLE_CHANNEL) if history.count(scope, since) > limits.of(scope))
    storm = history.storm
    if not over and (storm is None or not storm.takes(cluster)):
        return history, transition
    if storm is None:
        history = replace(history, made=history.made + 1)
        storm = AlertGroup(MessageKey.group(history.channel, history.made), now, ())
    storm = replace(storm, scopes=tuple(dict.fromkeys((*storm.scopes, *over))))
    return history.with_group(storm), replace(transition, new=noted(transition.new, group=str(storm.message_key)))


def _ended(history: ChannelHistory, limits: GroupingLimits, now: float) -> ChannelHistory:
    storm = history.storm
    if storm is None:
        return history
    over = [scope for scope in storm.scopes if history.count(scope, now - limits.within) > limits.of(scope) // 2]
    return history if over else history.with_group(replace(storm, ended_at=now))


def _surfaced(
    history: ChannelHistory, transitions: Sequence[Transition], alerts: Iterable[Alert], now: float
) -> Iterable[Transition]:
    """Yield the transitions, and a first post for alerts that are due and still fire.

    An alert that notifies at this step replies in the group's thread first; its own post follows at the next step.
    """
    by_alert = {each.old.id: each for each in transitions if each.old is not None}
    yield from (each for each in transitions if each.visibility in NOTIFYING or not _is_due(history, each.new))
    for alert in alerts:
        transition = by_alert.get(alert.id)
        last = transition.new if transition else alert
        if _is_due(history, last) and not (transition and transition.visibility in NOTIFYING):
            new = noted(last if transition and last.version > alert.version else following(last, now), group=None)
            yield Transition(alert, new, TransitionReason.SURFACED, Visibility.POST)


def _is_due(history: ChannelHistory, alert: Alert) -> bool:
    if alert.state is not AlertState.FIRING or alert.notes.group is None or alert.notes.muted:
        return False
    group = history.group(MessageKey.parse(alert.notes.group))
    # Group of another channel: the settings moved the cluster to this channel.
    return group is None or alert.id in group.due

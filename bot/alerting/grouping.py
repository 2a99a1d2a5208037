"""Grouping: when too many alerts fire at once, further ones go into one group message, until that ends. No I/O.

A storm begins with the first message beyond a limit, of one cluster or of a channel that several share. During a storm
a new alert is listed in the channel's group message, which is edited, instead of its own message. The rules
of NEVER_WILDCARD_SILENCED always get their own. A storm ends when no more than half the limit came in the window. The
most severe alerts that still fire then get their own message, and the group message lists the others until they
resolve: every firing alert has a message or is listed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from bot.alerting.model import Alert, AlertState
from bot.alerting.rules.table import NEVER_WILDCARD_SILENCED
from bot.alerting.transition import LOUD, Tell, Transition, TransitionReason, following, noted

WHOLE_CHANNEL = ""
"""The scope of a storm over all clusters of a channel; any other is a cluster's name."""
_MOST_ARRIVALS = 2000


@dataclass(frozen=True, slots=True)
class GroupingLimits:
    """How many first posts are no storm: of one `cluster`, of one `channel`, `within` so many seconds."""

    cluster: int = 6
    channel: int = 10
    within: float = 300.0

    def of(self, scope: str) -> int:
        """The limit of a scope."""
        return self.channel if scope == WHOLE_CHANNEL else self.cluster


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """One storm of a channel and the message that lists its alerts.

    `slot` names the message, `ids` are all alerts that ever went into it, `lines` counts its thread's lines. It rages
    while `scopes` are over their limits; `ended_at` is 0 until then. `due` are those of them that then get their own
    message.
    """

    slot: str
    since: float
    scopes: tuple[str, ...]
    ids: tuple[int, ...] = ()
    lines: int = 0
    ended_at: float = 0.0
    due: tuple[int, ...] = ()

    @property
    def rages(self) -> bool:
        """Whether new alerts still go into it."""
        return not self.ended_at

    def takes(self, cluster: str) -> bool:
        """Whether a new alert of this cluster goes into it."""
        return self.rages and (cluster in self.scopes or WHOLE_CHANNEL in self.scopes)


@dataclass(frozen=True, slots=True)
class ChannelHistory:
    """What one channel was told lately: when each first post of a cluster came, and the digests that are not done."""

    channel: str
    arrivals: tuple[tuple[str, float], ...] = ()
    digests: tuple[AlertGroup, ...] = field(default=())
    made: int = 0

    def to_json(self) -> dict[str, Any]:
        """The form in which the store keeps it."""
        return {
            "arrivals": [list(arrival) for arrival in self.arrivals],
            "digests": [asdict(digest) for digest in self.digests],
            "made": self.made,
        }

    @classmethod
    def from_json(cls, channel: str, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`; of {} nothing was told yet."""
        digests = tuple(_digest(held) for held in data.get("digests", ()))
        arrivals = tuple((str(cluster), float(at)) for cluster, at in data.get("arrivals", ()))
        return cls(channel, arrivals, digests, int(data.get("made", 0)))

    @property
    def storm(self) -> AlertGroup | None:
        """The one that rages."""
        return next((digest for digest in self.digests if digest.rages), None)

    def digest(self, slot: str) -> AlertGroup | None:
        """The digest of that slot."""
        return next((digest for digest in self.digests if digest.slot == slot), None)

    def with_digest(self, digest: AlertGroup) -> Self:
        """With this in the place of the one of its slot, or added."""
        others = tuple(held for held in self.digests if held.slot != digest.slot)
        return replace(self, digests=(*others, digest))

    def without(self, slot: str) -> Self:
        """Without that digest: it is done."""
        return replace(self, digests=tuple(held for held in self.digests if held.slot != slot))

    def count(self, scope: str, since: float) -> int:
        """How many came in a scope after `since`."""
        return sum(at > since and scope in {WHOLE_CHANNEL, cluster} for cluster, at in self.arrivals)


def weather(
    history: ChannelHistory, moves: Sequence[Transition], alerts: Iterable[Alert], limits: GroupingLimits, now: float
) -> tuple[ChannelHistory, tuple[Transition, ...]]:
    """Fold what is too much: the moves as they are to be told, and what the channel was told with them.

    `alerts` are the open ones of the cluster: those due get their own message, now that their storm is over.
    """
    settled = list(moves)
    # The gravest first, so that what gets a message of its own is what matters most.
    for place in sorted(range(len(settled)), key=lambda place: -settled[place].new.severity):
        if settled[place].reason is TransitionReason.FIRED:
            history, settled[place] = _arrived(history, settled[place], limits, now)
    return _calmed(history, limits, now), tuple(_surfaced(history, settled, alerts, now))


def due(alerts: Iterable[Alert], limits: GroupingLimits) -> tuple[int, ...]:
    """Which of a digest's alerts get their own message when its storm ends: the gravest that nobody cares for yet."""
    calling = [alert for alert in alerts if alert.state is AlertState.FIRING]
    worst = sorted(calling, key=lambda alert: (-alert.severity, alert.since))
    return tuple(alert.id for alert in worst[: limits.cluster])


def listed(digest: AlertGroup, alerts: Iterable[Alert]) -> list[Alert]:
    """Those of its alerts that it tells of still: open, and not told on their own since."""
    return [alert for alert in alerts if alert.open and alert.notes.group == digest.slot]


def _arrived(
    history: ChannelHistory, move: Transition, limits: GroupingLimits, now: float
) -> tuple[ChannelHistory, Transition]:
    since, cluster = now - limits.within, move.new.cluster
    lately = tuple(arrival for arrival in history.arrivals if arrival[1] > since)[-_MOST_ARRIVALS:]
    history = replace(history, arrivals=(*lately, (cluster, now)))
    if move.new.rule in NEVER_WILDCARD_SILENCED:
        return history, move
    over = tuple(scope for scope in (cluster, WHOLE_CHANNEL) if history.count(scope, since) > limits.of(scope))
    storm = history.storm
    if not over and (storm is None or not storm.takes(cluster)):
        return history, move
    if storm is None:
        history = replace(history, made=history.made + 1)
        storm = AlertGroup(f"digest:{history.channel}:{history.made}", now, ())
    storm = replace(storm, scopes=tuple(dict.fromkeys((*storm.scopes, *over))))
    return history.with_digest(storm), replace(move, new=noted(move.new, group=storm.slot))


def _calmed(history: ChannelHistory, limits: GroupingLimits, now: float) -> ChannelHistory:
    storm = history.storm
    if storm is None:
        return history
    raging = [scope for scope in storm.scopes if history.count(scope, now - limits.within) > limits.of(scope) // 2]
    return history if raging else history.with_digest(replace(storm, ended_at=now))


def _surfaced(
    history: ChannelHistory, moves: Sequence[Transition], alerts: Iterable[Alert], now: float
) -> Iterable[Transition]:
    """The moves, and a first post of their own for those alerts that are due and still fire.

    What calls for attention at this step is said in the digest's thread first: the post comes with the next step.
    """
    moved = {move.old.id: move for move in moves if move.old is not None}
    yield from (move for move in moves if move.tell in LOUD or not _is_due(history, move.new))
    for alert in alerts:
        move = moved.get(alert.id)
        last = move.new if move else alert
        if _is_due(history, last) and not (move and move.tell in LOUD):
            new = noted(last if move and last.version > alert.version else following(last, now), group=None)
            yield Transition(alert, new, TransitionReason.SURFACED, Tell.POST)


def _is_due(history: ChannelHistory, alert: Alert) -> bool:
    if alert.state is not AlertState.FIRING or alert.notes.group is None or alert.notes.muted:
        return False
    digest = history.digest(alert.notes.group)
    # Of a digest that is not this channel's: the settings gave the cluster another channel meanwhile.
    return digest is None or alert.id in digest.due


def _digest(held: Mapping[str, Any]) -> AlertGroup:
    return AlertGroup(
        str(held["slot"]),
        float(held["since"]),
        tuple(str(scope) for scope in held.get("scopes", ())),
        tuple(int(number) for number in held.get("ids", ())),
        int(held.get("lines", 0)),
        float(held.get("ended_at", 0.0)),
        tuple(int(number) for number in held.get("due", ())),
    )

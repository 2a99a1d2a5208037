"""Whether dark clusters are down, or cmbot's own network is: decided from the last look at each of them.

One process that reaches none of several clusters has most likely lost its own network. Then one alert says so for each
alert channel, one call goes to each on-call group, and the alerts of the single clusters wait. The decision is pure;
Horizon holds the looks of this process.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from bot.alerting.cluster_state.state import NOTE_EVERY, ClusterNote

WAIT = 60.0
"""How long a dark cluster waits at most for a look at the others before it is judged alone."""
SLACK = 30.0
"""Clusters went dark together when no more than this and one poll interval lies between."""
FRESH = 30.0
"""A look counts for three intervals and this long."""


class NetworkStatus(Enum):
    """What a dark cluster means."""

    WORKING = "the network works: what is dark is down by itself"
    UNDECIDED = "the other clusters were not looked at since"
    ISOLATED = "no cluster answers from here"


@dataclass(frozen=True, slots=True)
class Seat:
    """One watched cluster: its alert channel, the group its alerts call, seconds between looks.

    `tells` is whether its settings watch for a lost network at all.
    """

    cluster: str
    channel: str
    group: str = ""
    interval: float = 15.0
    tells: bool = True


@dataclass(frozen=True, slots=True)
class ClusterPoll:
    """The last look at a cluster, begun at `began`; dark since `dark_since` (0: a host answered), Unix seconds.

    `here` is whether this process looked; else another one noted it in the store.
    """

    seat: Seat
    began: float
    dark_since: float = 0.0
    here: bool = True

    def fresh(self, now: float) -> bool:
        """Whether the look is recent enough to count."""
        noted_late = 0.0 if self.here else NOTE_EVERY
        return now - self.began <= 3 * self.seat.interval + FRESH + noted_late


@dataclass(frozen=True, slots=True)
class Isolation:
    """No cluster answers from here: `clusters` are all that were asked, dark since `since`.

    `carrier` is the cluster under which this one's channel learns of it, `carrier_here` whether this process watches
    it; `stand_in` is the first one of the channel that this process watches. `calls` are the carriers that may call a
    group.
    """

    clusters: tuple[str, ...]
    since: float
    carrier: str
    carrier_here: bool
    stand_in: str
    calls: frozenset[str]
    place: str = ""


def network_status(cluster: str, sights: Iterable[ClusterPoll], now: float) -> NetworkStatus:
    """What it means that `cluster` is dark; a cluster that answers always sees."""
    held = {observation.seat.cluster: observation for observation in sights if observation.fresh(now)}
    me = held.pop(cluster, None)
    if me is None or not me.dark_since:
        return NetworkStatus.WORKING
    others = _relevant(held.values())
    answered = [observation for observation in others if not observation.dark_since]
    if any(observation.began >= me.dark_since for observation in answered):
        return NetworkStatus.WORKING
    if answered and now - me.dark_since < WAIT:
        return NetworkStatus.UNDECIDED
    together = [observation for observation in others if observation.dark_since and _together(me, observation)]
    return NetworkStatus.ISOLATED if together else NetworkStatus.WORKING


def isolation(cluster: str, sights: Sequence[ClusterPoll], now: float, place: str = "") -> Isolation | None:
    """Which cluster's alert says for `cluster` that nothing answers from here; None where nothing says so."""
    dark = {
        observation.seat.cluster: observation
        for observation in sights
        if observation.seat.tells and network_status(observation.seat.cluster, sights, now) is NetworkStatus.ISOLATED
    }
    if cluster not in dark:
        return None
    # The one that is looked at most often says it first; the settings' order decides among equals.
    ranked = sorted(dark.values(), key=lambda observation: observation.seat.interval)
    carriers, calls = _first(ranked, lambda seat: seat.channel), set[str]()
    groups = set[str]()
    for observation in carriers.values():
        if observation.seat.group not in groups:
            calls.add(observation.seat.cluster)
            groups.add(observation.seat.group)
    here = _first([observation for observation in ranked if observation.here], lambda seat: seat.channel)
    channel = dark[cluster].seat.channel
    carrier = carriers[channel]
    stand_in = here[channel].seat.cluster if channel in here else ""
    names = tuple(
        observation.seat.cluster for observation in sights if observation.dark_since and observation.fresh(now)
    )
    since = min(observation.dark_since for observation in dark.values())
    return Isolation(names, since, carrier.seat.cluster, carrier.here, stand_in, frozenset(calls), place)


def _relevant(others: Iterable[ClusterPoll]) -> list[ClusterPoll]:
    """The looks that say something about this process's network.

    That another process reaches a cluster does not. That no other process reaches any does: then all are cut off.
    """
    held = list(others)
    elsewhere = [observation for observation in held if not observation.here]
    return (
        held
        if all(observation.dark_since for observation in elsewhere)
        else [observation for observation in held if observation.here]
    )


def _together(one: ClusterPoll, other: ClusterPoll) -> bool:
    return abs(one.dark_since - other.dark_since) <= SLACK + max(one.seat.interval, other.seat.interval)


def _first(ranked: Iterable[ClusterPoll], key: Callable[[Seat], str]) -> dict[str, ClusterPoll]:
    found: dict[str, ClusterPoll] = {}
    for observation in ranked:
        found.setdefault(key(observation.seat), observation)
    return found


class OwnNetwork:
    """The last look of this process at each cluster, and what others noted of theirs (`noted`, by cluster name)."""

    def __init__(self, seats: Iterable[Seat], *, noted: Mapping[str, ClusterNote], place: str = "") -> None:
        self._seats = {seat.cluster: seat for seat in seats}
        self._noted, self._place = noted, place
        self._own: dict[str, ClusterPoll] = {}
        self._dark_elsewhere: dict[str, float] = {}

    def saw(self, cluster: str, began: float, *, dark: bool) -> None:
        """Note a look of this process."""
        if (seat := self._seats.get(cluster)) is None:
            return
        before = self._own.get(cluster)
        since = (before.dark_since if before is not None else 0.0) or began
        self._own[cluster] = ClusterPoll(seat, began, since if dark else 0.0)

    def judge(self, cluster: str, now: float) -> tuple[NetworkStatus, Isolation | None]:
        """What it means that `cluster` is dark, as far as its settings want to know."""
        seat = self._seats.get(cluster)
        if seat is None or not seat.tells:
            return NetworkStatus.WORKING, None
        sights = self._sights(now)
        return network_status(cluster, sights, now), isolation(cluster, sights, now, self._place)

    def _sights(self, now: float) -> list[ClusterPoll]:
        """All looks in the order of the settings; this process's own where it has a fresh one."""
        found = []
        for name, seat in self._seats.items():
            own = self._own.get(name)
            if own is not None and own.fresh(now):
                found.append(own)
            elif noted := self._noted.get(name):
                found.append(self._elsewhere(seat, noted, now))
        return found

    def _elsewhere(self, seat: Seat, noted: ClusterNote, now: float) -> ClusterPoll:
        observation = ClusterPoll(seat, noted.at, here=False)
        if noted.level != "unreachable" or not observation.fresh(now):
            self._dark_elsewhere.pop(seat.cluster, None)
            return observation
        return replace(observation, dark_since=self._dark_elsewhere.setdefault(seat.cluster, observation.began))

"""Own network: decides from the last poll of each cluster whether dark clusters are down, or cmbot's network is.

A process that reaches none of several clusters has most likely lost its own network. Then each alert channel gets one
alert, each on-call group gets one call, and the alerts of the single clusters wait. No I/O.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from bot.alerting.cluster_state.state import NOTE_EVERY, ClusterNote

WAIT = 60.0
"""Seconds at most that a dark cluster waits for polls of the others before it is judged alone."""
SLACK = 30.0
"""Clusters went dark together if no more than this and one poll interval lies between."""
FRESH = 30.0
"""A poll counts for three intervals and this long."""


class NetworkStatus(Enum):
    """State of cmbot's own network, judged for a dark cluster."""

    WORKING = "the network works: a dark cluster is down itself"
    UNDECIDED = "the other clusters were not polled since"
    ISOLATED = "no cluster answers from here"


@dataclass(frozen=True, slots=True)
class WatchedCluster:
    """One watched cluster: its alert channel, the group its alerts call, seconds between polls.

    `tells` is True if its settings enable the own-network rule.
    """

    cluster: str
    channel: str
    group: str = ""
    interval: float = 15.0
    tells: bool = True


@dataclass(frozen=True, slots=True)
class ClusterPoll:
    """The last poll of a cluster, begun at `began`; dark since `dark_since` (0: a host answered), Unix seconds.

    `here` is True if this process polled, False if another process stored it.
    """

    seat: WatchedCluster
    began: float
    dark_since: float = 0.0
    here: bool = True

    def fresh(self, now: float) -> bool:
        """True if the poll is recent enough to count."""
        noted_late = 0.0 if self.here else NOTE_EVERY
        return now - self.began <= 3 * self.seat.interval + FRESH + noted_late


@dataclass(frozen=True, slots=True)
class Isolation:
    """No cluster answers from here: `clusters` are all that were asked, dark since `since`.

    `carrier` is the cluster whose alert informs the channel, `carrier_here` is True if this process watches it;
    `stand_in` is the first cluster of the channel that this process watches. `calls` are the carriers that may call a
    group.
    """

    clusters: tuple[str, ...]
    since: float
    carrier: str
    carrier_here: bool
    stand_in: str
    calls: frozenset[str]
    place: str = ""


def network_status(cluster: str, polls: Iterable[ClusterPoll], now: float) -> NetworkStatus:
    """State of the own network as judged for `cluster`; WORKING for a cluster that answers."""
    held = {observation.seat.cluster: observation for observation in polls if observation.fresh(now)}
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


def isolation(cluster: str, polls: Sequence[ClusterPoll], now: float, place: str = "") -> Isolation | None:
    """The isolation that `cluster` shares, None if this process is not isolated."""
    dark = {
        observation.seat.cluster: observation
        for observation in polls
        if observation.seat.tells and network_status(observation.seat.cluster, polls, now) is NetworkStatus.ISOLATED
    }
    if cluster not in dark:
        return None
    # The most frequently polled cluster carries the alert; the order of the settings breaks ties.
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
        observation.seat.cluster for observation in polls if observation.dark_since and observation.fresh(now)
    )
    since = min(observation.dark_since for observation in dark.values())
    return Isolation(names, since, carrier.seat.cluster, carrier.here, stand_in, frozenset(calls), place)


def _relevant(others: Iterable[ClusterPoll]) -> list[ClusterPoll]:
    """The polls that say something about this process's network.

    A cluster that another process reaches says nothing. Clusters that no process reaches do: then all are cut off.
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


def _first(ranked: Iterable[ClusterPoll], key: Callable[[WatchedCluster], str]) -> dict[str, ClusterPoll]:
    found: dict[str, ClusterPoll] = {}
    for observation in ranked:
        found.setdefault(key(observation.seat), observation)
    return found


class OwnNetwork:
    """The last poll of each cluster by this process, and the notes of other processes (`noted`, by cluster name)."""

    def __init__(self, seats: Iterable[WatchedCluster], *, noted: Mapping[str, ClusterNote], place: str = "") -> None:
        self._seats = {seat.cluster: seat for seat in seats}
        self._noted, self._place = noted, place
        self._own: dict[str, ClusterPoll] = {}
        self._dark_elsewhere: dict[str, float] = {}

    def saw(self, cluster: str, began: float, *, dark: bool) -> None:
        """Record a poll of this process."""
        if (seat := self._seats.get(cluster)) is None:
            return
        before = self._own.get(cluster)
        since = (before.dark_since if before is not None else 0.0) or began
        self._own[cluster] = ClusterPoll(seat, began, since if dark else 0.0)

    def judge(self, cluster: str, now: float) -> tuple[NetworkStatus, Isolation | None]:
        """State of the own network for `cluster`; WORKING if its settings disable the rule."""
        seat = self._seats.get(cluster)
        if seat is None or not seat.tells:
            return NetworkStatus.WORKING, None
        polls = self._all_polls(now)
        return network_status(cluster, polls, now), isolation(cluster, polls, now, self._place)

    def _all_polls(self, now: float) -> list[ClusterPoll]:
        """All polls in the order of the settings; those of this process where fresh."""
        found = []
        for name, seat in self._seats.items():
            own = self._own.get(name)
            if own is not None and own.fresh(now):
                found.append(own)
            elif noted := self._noted.get(name):
                found.append(self._elsewhere(seat, noted, now))
        return found

    def _elsewhere(self, seat: WatchedCluster, noted: ClusterNote, now: float) -> ClusterPoll:
        observation = ClusterPoll(seat, noted.at, here=False)
        if noted.level != "unreachable" or not observation.fresh(now):
            self._dark_elsewhere.pop(seat.cluster, None)
            return observation
        return replace(observation, dark_since=self._dark_elsewhere.setdefault(seat.cluster, observation.began))

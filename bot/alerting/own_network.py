"""Own network: decides from the last poll of each cluster whether dark clusters are down, or cmbot's network is.

A process that reaches none of several clusters has most likely lost its own network. Then each alert channel gets one
alert, each on-call group gets one call, and the alerts of the single clusters wait. No I/O.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from bot.alerting.cluster_state.state import NOTE_EVERY, ClusterNote

WAIT = 60.0
"""Seconds at most that a dark cluster waits for polls of the others before it is evaluated alone."""
SLACK = 30.0
"""Clusters went dark together if no more than this and one poll interval lies between."""
FRESH = 30.0
"""A poll counts for three intervals and this long."""


class NetworkStatus(Enum):
    """State of cmbot's own network, evaluated for a dark cluster."""

    WORKING = "the network works: a dark cluster is down itself"
    UNDECIDED = "the other clusters were not polled since"
    ISOLATED = "no cluster answers from here"


@dataclass(frozen=True, slots=True)
class WatchedCluster:
    """One watched cluster: its alert channel, the group its alerts call, seconds between polls.

    `announces` is True if its settings enable the own-network rule.
    """

    cluster: str
    channel: str
    group: str = ""
    interval: float = 15.0
    announces: bool = True


@dataclass(frozen=True, slots=True)
class ClusterPoll:
    """The last poll of a cluster, begun at `began`; dark since `dark_since` (0: a host answered), Unix seconds.

    `here` is True if this process polled, False if another process stored it.
    """

    watched: WatchedCluster
    began: float
    dark_since: float = 0.0
    here: bool = True

    def fresh(self, now: float) -> bool:
        """True if the poll is recent enough to count."""
        stored_late = 0.0 if self.here else NOTE_EVERY
        return now - self.began <= 3 * self.watched.interval + FRESH + stored_late


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
    """State of the own network as evaluated for `cluster`; WORKING for a cluster that answers."""
    held = {poll.watched.cluster: poll for poll in polls if poll.fresh(now)}
    me = held.pop(cluster, None)
    if me is None or not me.dark_since:
        return NetworkStatus.WORKING
    others = _relevant(held.values())
    answered = [poll for poll in others if not poll.dark_since]
    if any(poll.began >= me.dark_since for poll in answered):
        return NetworkStatus.WORKING
    if answered and now - me.dark_since < WAIT:
        return NetworkStatus.UNDECIDED
    together = [poll for poll in others if poll.dark_since and _together(me, poll)]
    return NetworkStatus.ISOLATED if together else NetworkStatus.WORKING


def isolation(cluster: str, polls: Sequence[ClusterPoll], now: float, place: str = "") -> Isolation | None:
    """The isolation that `cluster` shares, None if this process is not isolated."""
    dark = {
        poll.watched.cluster: poll
        for poll in polls
        if poll.watched.announces and network_status(poll.watched.cluster, polls, now) is NetworkStatus.ISOLATED
    }
    if cluster not in dark:
        return None
    # The most frequently polled cluster carries the alert; the order of the settings breaks ties.
    ranked = sorted(dark.values(), key=lambda poll: poll.watched.interval)
    carriers, calls = _first(ranked, lambda watched: watched.channel), set[str]()
    groups = set[str]()
    for poll in carriers.values():
        if poll.watched.group not in groups:
            calls.add(poll.watched.cluster)
            groups.add(poll.watched.group)
    here = _first([poll for poll in ranked if poll.here], lambda watched: watched.channel)
    channel = dark[cluster].watched.channel
    carrier = carriers[channel]
    stand_in = here[channel].watched.cluster if channel in here else ""
    names = tuple(poll.watched.cluster for poll in polls if poll.dark_since and poll.fresh(now))
    since = min(poll.dark_since for poll in dark.values())
    return Isolation(names, since, carrier.watched.cluster, carrier.here, stand_in, frozenset(calls), place)


def _relevant(others: Iterable[ClusterPoll]) -> list[ClusterPoll]:
    """The polls that say something about this process's network.

    A cluster that another process reaches says nothing. Clusters that no process reaches do: then all are cut off.
    """
    held = list(others)
    elsewhere = [poll for poll in held if not poll.here]
    return held if all(poll.dark_since for poll in elsewhere) else [poll for poll in held if poll.here]


def _together(one: ClusterPoll, other: ClusterPoll) -> bool:
    return abs(one.dark_since - other.dark_since) <= SLACK + max(one.watched.interval, other.watched.interval)


def _first(ranked: Iterable[ClusterPoll], key: Callable[[WatchedCluster], str]) -> dict[str, ClusterPoll]:
    found: dict[str, ClusterPoll] = {}
    for poll in ranked:
        found.setdefault(key(poll.watched), poll)
    return found


class OwnNetwork:
    """The last poll of each cluster by this process, and the notes of other processes (`cluster_notes`, by name)."""

    def __init__(
        self, clusters: Iterable[WatchedCluster], *, cluster_notes: Mapping[str, ClusterNote], place: str = ""
    ) -> None:
        self._watched = {watched.cluster: watched for watched in clusters}
        self._notes, self._place = cluster_notes, place
        self._own: dict[str, ClusterPoll] = {}
        self._dark_elsewhere: dict[str, float] = {}

    def record(self, cluster: str, began: float, *, dark: bool) -> None:
        """Record a poll of this process."""
        if (watched := self._watched.get(cluster)) is None:
            return
        before = self._own.get(cluster)
        since = (before.dark_since if before is not None else 0.0) or began
        self._own[cluster] = ClusterPoll(watched, began, since if dark else 0.0)

    def evaluate(self, cluster: str, now: float) -> tuple[NetworkStatus, Isolation | None]:
        """State of the own network for `cluster`; WORKING if its settings disable the rule."""
        watched = self._watched.get(cluster)
        if watched is None or not watched.announces:
            return NetworkStatus.WORKING, None
        polls = self._all_polls(now)
        return network_status(cluster, polls, now), isolation(cluster, polls, now, self._place)

    def _all_polls(self, now: float) -> list[ClusterPoll]:
        """All polls in the order of the settings; those of this process where fresh."""
        found = []
        for name, watched in self._watched.items():
            own = self._own.get(name)
            if own is not None and own.fresh(now):
                found.append(own)
            elif note := self._notes.get(name):
                found.append(self._elsewhere(watched, note, now))
        return found

    def _elsewhere(self, watched: WatchedCluster, note: ClusterNote, now: float) -> ClusterPoll:
        poll = ClusterPoll(watched, note.at, here=False)
        if note.level != "unreachable" or not poll.fresh(now):
            self._dark_elsewhere.pop(watched.cluster, None)
            return poll
        return replace(poll, dark_since=self._dark_elsewhere.setdefault(watched.cluster, poll.began))

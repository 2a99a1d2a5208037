"""Own network: decides from the last poll of each cluster whether dark clusters are down, or cmbot's network is.

A process that reaches none of several clusters has most likely lost its own network. Then each alert channel gets one
alert, each on-call group gets one call, and the alerts of the single clusters wait. No I/O.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from enum import Enum

from bot.alerting.cluster_state.state import NOTE_EVERY, ClusterNote
from bot.common.frozen import frozen

WAIT = 60.0
"""Seconds at most that a dark cluster waits for polls of the others before it is evaluated alone."""
SLACK = 30.0
"""Clusters went dark together if no more than this and one poll interval lies between."""
FRESH = 30.0
"""A poll counts for three intervals and this long."""
TRACK_SECONDS = 5.0
"""Time between two looks at the notes of other processes while the clusters of this one answer."""


class NetworkStatus(Enum):
    """State of cmbot's own network, evaluated for a dark cluster."""

    WORKING = "the network works: a dark cluster is down itself"
    UNDECIDED = "the other clusters were not polled since"
    ISOLATED = "no cluster answers from here"


@frozen
class WatchedCluster:
    """One watched cluster: its alert channel, the group its alerts call, seconds between polls.

    `announces` is True if its settings enable the own-network rule.
    """

    cluster: str
    channel: str
    group: str = ""
    interval: float = 15.0
    announces: bool = True


@frozen
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


@frozen
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


def network_statuses(polls: Iterable[ClusterPoll], now: float) -> Mapping[str, NetworkStatus]:
    """State of the own network as evaluated for each dark cluster; every other cluster counts as WORKING."""
    fresh = [poll for poll in polls if poll.fresh(now)]
    relevant = _relevant(fresh)
    answered_at = max((poll.began for poll in relevant if not poll.dark_since), default=None)
    darkness = _Darkness(poll for poll in relevant if poll.dark_since)

    def status(poll: ClusterPoll) -> NetworkStatus:
        if answered_at is not None and answered_at >= poll.dark_since:
            return NetworkStatus.WORKING
        if answered_at is not None and now - poll.dark_since < WAIT:
            return NetworkStatus.UNDECIDED
        return NetworkStatus.ISOLATED if darkness.shared(poll) else NetworkStatus.WORKING

    return {poll.watched.cluster: status(poll) for poll in fresh if poll.dark_since}


def isolation(
    cluster: str, polls: Sequence[ClusterPoll], statuses: Mapping[str, NetworkStatus], now: float, place: str = ""
) -> Isolation | None:
    """The isolation that `cluster` shares by these `statuses`, None if this process is not isolated."""
    dark = {
        poll.watched.cluster: poll
        for poll in polls
        if poll.watched.announces and statuses.get(poll.watched.cluster) is NetworkStatus.ISOLATED
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


class _Darkness:
    """The times since which clusters are dark, by poll interval; there are few intervals and many clusters."""

    def __init__(self, dark: Iterable[ClusterPoll]) -> None:
        self._since: dict[float, list[float]] = {}
        self._own: set[str] = set()
        for poll in dark:
            self._since.setdefault(poll.watched.interval, []).append(poll.dark_since)
            self._own.add(poll.watched.cluster)
        for times in self._since.values():
            times.sort()

    def shared(self, poll: ClusterPoll) -> bool:
        """True if another cluster went dark together with this one."""
        interval, since = poll.watched.interval, poll.dark_since
        itself = poll.watched.cluster in self._own
        for other, times in self._since.items():
            apart = SLACK + max(interval, other)
            found = bisect_right(times, since + apart) - bisect_left(times, since - apart)
            if found > (itself and other == interval):
                return True
        return False


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
        self._tracked_at = float("-inf")

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
        own = self._own.get(cluster)
        if own is not None and not own.dark_since and own.fresh(now) and 0 <= now - self._tracked_at < TRACK_SECONDS:
            return NetworkStatus.WORKING, None
        polls = self._all_polls(now)
        statuses = network_statuses(polls, now)
        status = statuses.get(cluster, NetworkStatus.WORKING)
        return status, isolation(cluster, polls, statuses, now, self._place)

    def _all_polls(self, now: float) -> list[ClusterPoll]:
        """All polls in the order of the settings; those of this process where fresh."""
        self._tracked_at = now
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

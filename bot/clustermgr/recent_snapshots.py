"""The last snapshots of a cluster: two that are apart, of one leader and term, prove voters healthy. No I/O."""

from collections import deque
from dataclasses import dataclass, field

from bot.clustermgr.health import MIN_APART, raft_alone, same_leadership
from bot.clustermgr.models import Snapshot

MAX_AGE_SECONDS = 60.0
"""Greatest age of a poll that serves as the earlier of two."""


@dataclass(slots=True)
class RecentSnapshots:
    """Keeps snapshots that can serve as the earlier of two: the newest one old enough, and all later ones."""

    _kept: deque[Snapshot] = field(default_factory=deque)
    _bad: frozenset[int] | None = None

    @property
    def latest(self) -> Snapshot | None:
        """The last poll; None before the first."""
        return self._kept[-1] if self._kept else None

    @property
    def led(self) -> str | None:
        """The host that led at the last poll; None if none did."""
        return self.latest.leader[0] if self.latest is not None and self.latest.leader is not None else None

    def has_new_bad_disk(self, polled: Snapshot) -> bool:
        """True if a disk is bad in this poll of the watch that was not in the one before that listed them.

        False the first time. Other snapshots do not count: they alert no one.
        """
        if polled.bad_disks is None:
            return False
        before, self._bad = self._bad, frozenset(disk.disk_id for disk in polled.bad_disks)
        return before is not None and not self._bad <= before

    def remember(self, snapshot: Snapshot) -> None:
        """Keep the newest snapshot whole, and the raft state alone of those before."""
        if self._kept:
            self._kept[-1] = raft_alone(self._kept[-1])
        self._kept.append(snapshot)
        while len(self._kept) > 1 and snapshot.at - self._kept[1].at >= MIN_APART:
            self._kept.popleft()

    def earlier(self, now: Snapshot) -> Snapshot | None:
        """The newest snapshot of the same leader and term, late enough before `now` to prove voters healthy."""
        recent = (each for each in reversed(self._kept) if now.at - each.at <= MAX_AGE_SECONDS)
        return next((each for each in recent if same_leadership(each, now) is not None), None)

    def before(self, now: Snapshot) -> Snapshot | None:
        """The snapshot to compare with `now`, preferably of the same leader and term."""
        apart = (each for each in reversed(self._kept) if MIN_APART <= now.at - each.at <= MAX_AGE_SECONDS)
        return self.earlier(now) or next(apart, None)

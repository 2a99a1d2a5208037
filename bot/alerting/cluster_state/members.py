"""What the watch notes of the raft members, and how it learns that one came, went or became something else. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.alerting.text import plain
from bot.clustermgr.models import Stat
from bot.common.addresses import same_place

MAX_MEMBERS = 100


@dataclass(frozen=True, slots=True)
class MemberNote:
    """A raft member as its leader lists it; `host` is its raft address on one line, "" while it was never told."""

    id: int
    learner: bool = False
    host: str = ""

    @property
    def kind(self) -> str:
        """The word for what it is."""
        return "learner" if self.learner else "voter"


@dataclass(frozen=True, slots=True)
class MemberChange:
    """A peer came, went, or became something else, noticed at `at`; `before_at` is the last look that knew the members.

    `was` and `now` are "voter", "learner" or "" (no member), `host_was` and `host` its raft address then and now.
    `away` are the seconds without a look before it (or 0), `op` is the operation that caused it (0: none), `approved`
    who approved that (Slack user ids, a space between).
    """

    at: float
    peer: int
    was: str
    now: str
    host_was: str = ""
    host: str = ""
    before_at: float = 0.0
    away: float = 0.0
    op: int = 0
    approved: str = ""


def member_notes(old: Sequence[MemberNote], leader: Stat) -> tuple[MemberNote, ...]:
    """The members by id, from a leader's own view; one that lists nobody tells nothing of them.

    Raft knows a newcomer a moment before its address is known: an address that is not told stays as it was.
    """
    known = {note.id: note.host for note in old}
    peers = sorted(leader.raft_status.peers, key=lambda peer: peer.id)[:MAX_MEMBERS]
    notes = {
        peer.id: MemberNote(peer.id, peer.is_learner, plain(peer.host) or known.get(peer.id, "")) for peer in peers
    }
    return tuple(notes.values()) or tuple(old)


def member_changes(
    old: Sequence[MemberNote], new: Sequence[MemberNote], *, at: float, before_at: float, away: float
) -> tuple[MemberChange, ...]:
    """What changed between the two, by peer id; who is seen for the first time of all is no change."""
    return tuple(_changes(old, new, at, before_at, away)) if old else ()


def _changes(
    old: Sequence[MemberNote], new: Sequence[MemberNote], at: float, before_at: float, away: float
) -> Iterator[MemberChange]:
    before, after = {note.id: note for note in old}, {note.id: note for note in new}
    for peer in sorted(before.keys() | after.keys()):
        was, now = before.get(peer, _NOBODY), after.get(peer, _NOBODY)
        was_kind, now_kind = was.kind if peer in before else "", now.kind if peer in after else ""
        # An address that becomes known at last, or is spelled in another way, did not change.
        moved = bool(was.host and now.host) and not same_place(was.host, now.host)
        if was_kind != now_kind or moved:
            yield MemberChange(at, peer, was_kind, now_kind, was.host, now.host, before_at, away)


_NOBODY = MemberNote(0)

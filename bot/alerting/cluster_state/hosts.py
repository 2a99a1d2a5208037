"""What the watch notes of each configured host: whose it is, and how far its state machine has come. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.clustermgr.models import RaftStatus, Snapshot
from bot.common.errors import AuthRejected


@dataclass(frozen=True, slots=True)
class HostNote:
    """The peer that a host last answered as; what it had applied, and committed when that last moved (log indices)."""

    host: str
    peer: int
    applied: int = 0
    commit: int = 0

    def stalled(self, raft: RaftStatus) -> bool:
        """Whether nothing was applied since, though more was committed."""
        return self.commit < raft.commit and self.applied == applied(raft) < raft.commit


def applied(raft: RaftStatus) -> int:
    """The index up to which a node has applied its log; a release may tell one of the two only."""
    told = [index for index in (raft.applied, raft.raft_applied) if index]
    return min(told, default=0)


def host_notes(old: Sequence[HostNote], snapshot: Snapshot) -> tuple[HostNote, ...]:
    """The notes of the hosts that are configured now; one that is silent keeps what is known of it."""
    known = {note.host: note for note in old}
    for host, stat in snapshot.answered:
        raft, note = stat.raft_status, known.get(host)
        waits = note is not None and note.peer == raft.node_id and note.applied == applied(raft) < raft.commit
        if not waits:
            known[host] = HostNote(host, raft.node_id, applied(raft), raft.commit)
    return tuple(known[look.host] for look in snapshot.looks if look.host in known)


def refusing(old: Sequence[str], snapshot: Snapshot) -> tuple[str, ...]:
    """The configured hosts that rejected the request token when they last told; silence or an error keeps them."""
    refused = {look.host for look in snapshot.looks if isinstance(look.error, AuthRejected)}
    if isinstance(snapshot.disks_error, AuthRejected):
        refused.add(snapshot.disks_error.host)
    kept = {look.host for look in snapshot.looks if look.stat is None and look.host in old}
    return tuple(look.host for look in snapshot.looks if look.host in refused | kept)


def peer_at(notes: Iterable[HostNote], host: str) -> int:
    """The peer whose host that is, 0 when it was never told."""
    return next((note.peer for note in notes if note.host == host), 0)


def hosts_of(notes: Iterable[HostNote], peer: int) -> tuple[str, ...]:
    """The configured hosts that last answered as that peer."""
    return tuple(note.host for note in notes if note.peer == peer)

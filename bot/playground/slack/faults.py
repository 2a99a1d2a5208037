"""Faults that can be injected into the workspace: each is used up after so many times."""

from dataclasses import dataclass, field

KINDS = (
    "ratelimited",
    "server_error",
    "delay",
    "lost_reply",
    "lost_request",
    "disconnect",
    "dead_socket",
    "duplicate",
)
"""ratelimited (429 with Retry-After), server_error (503), delay, lost_reply (done, then cut), lost_request (cut before
it is done), disconnect (sockets close), dead_socket (sockets stay open and silent), duplicate (envelopes come twice)."""


@dataclass(slots=True)
class Fault:
    """`method` is a Web API method or "" for any; `seconds` is the delay or the Retry-After."""

    kind: str
    count: int
    method: str = ""
    seconds: float = 1.0


@dataclass(slots=True)
class Faults:
    """The faults that are still to come."""

    pending: list[Fault] = field(default_factory=list)

    def inject(self, kind: str, *, count: int = 1, method: str = "", seconds: float = 1.0) -> None:
        """Let the next `count` fitting calls meet this fault. Raises ValueError for an unknown kind."""
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}: one of {', '.join(KINDS)}")
        if not 1 <= count <= 1_000_000 or not 0 <= seconds <= 3600:  # noqa: PLR2004 - a day's worth and an hour
            raise ValueError("count is 1 to 1000000, seconds 0 to 3600")
        self.pending.append(Fault(kind, count, method, seconds))

    def take(self, kinds: tuple[str, ...], method: str = "") -> Fault | None:
        """The next fault of these kinds that fits the method, used once."""
        for fault in self.pending:
            if fault.kind in kinds and fault.method in {"", method}:
                fault.count -= 1
                if fault.count <= 0:
                    self.pending.remove(fault)
                return fault
        return None

    def active(self, kind: str) -> bool:
        """Whether a fault of that kind is pending (without using it)."""
        return any(fault.kind == kind for fault in self.pending)

    def clear(self) -> None:
        """No more faults."""
        self.pending.clear()

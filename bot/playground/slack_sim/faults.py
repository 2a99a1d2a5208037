"""Faults to inject into the workspace; each fault has a number of uses."""

from dataclasses import dataclass, field

METHOD_KINDS = ("ratelimited", "server_error", "error", "thread_error", "delay", "lost_reply", "lost_request")
"""ratelimited (429 with Retry-After), server_error (503), error (any error `code`), thread_error (the same,
for thread replies only), delay, lost_reply (executed, then cut), lost_request (cut before execution): on Web API
methods and `response_url`. With `method` chat.update, an error is a refused edit."""
SOCKET_KINDS = ("disconnect", "refresh", "warning", "dead_socket", "silent_socket")
"""On the socket of the next frame in either direction: disconnect (cut), refresh (request to reconnect, then closed),
warning (only announces its end), dead_socket (open, answers nothing), silent_socket (answers pings only)."""
DELIVERY_KINDS = ("duplicate", "lost_delivery")
"""duplicate (the next envelopes come twice), lost_delivery (the next envelopes never arrive)."""
KINDS = (*METHOD_KINDS, *SOCKET_KINDS, *DELIVERY_KINDS)

MAX_TIMES = 1_000_000
MAX_SECONDS = 3600.0


class FaultRefused(ValueError):
    """An invalid fault; `str()` is the reason."""


@dataclass(slots=True)
class Fault:
    """`method` is a Web API method or "" for any; `seconds` is the delay or the Retry-After."""

    kind: str
    count: int
    method: str = ""
    seconds: float = 1.0
    code: str = "internal_error"


@dataclass(slots=True)
class Faults:
    """The pending faults."""

    pending: list[Fault] = field(default_factory=list)

    def inject(
        self, kind: str, *, count: int = 1, method: str = "", seconds: float = 1.0, code: str = "internal_error"
    ) -> None:
        """Inject a fault into the next `count` matching calls; raises FaultRefused for an invalid fault."""
        self.order(kind, count=count, method=method, seconds=seconds, code=code)

    def order(
        self, kind: str, *, count: int = 1, method: str = "", seconds: float = 1.0, code: str = "internal_error"
    ) -> Fault:
        """Inject a fault and return it, so that `withdraw` can end it."""
        if kind not in KINDS:
            raise FaultRefused(f"unknown fault {kind!r:.60}: one of {', '.join(KINDS)}")
        if not 1 <= count <= MAX_TIMES or not 0 <= seconds <= MAX_SECONDS:
            raise FaultRefused(f"count is 1 to {MAX_TIMES}, seconds 0 to {MAX_SECONDS:g}")
        fault = Fault(kind, count, method, seconds, code)
        self.pending.append(fault)
        return fault

    def withdraw(self, fault: Fault) -> None:
        """End a fault before it is used up."""
        self.pending = [other for other in self.pending if other is not fault]

    def take(self, kinds: tuple[str, ...], method: str = "") -> Fault | None:
        """Return the next fault of these kinds that matches the method, and use it once."""
        for fault in self.pending:
            if fault.kind in kinds and fault.method in {"", method}:
                fault.count -= 1
                if fault.count <= 0:
                    self.pending.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """Remove all faults."""
        self.pending.clear()

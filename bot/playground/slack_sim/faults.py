"""Faults that can be injected into the workspace: each is used up after so many times."""

from dataclasses import dataclass, field

METHOD_KINDS = ("ratelimited", "server_error", "error", "thread_error", "delay", "lost_reply", "lost_request")
"""ratelimited (429 with Retry-After), server_error (503), error (Slack's error `code`, known to its pages or not),
thread_error (the same, but only for what goes into a thread), delay, lost_reply (done, then the connection is cut),
lost_request (cut before anything is done): on Web API methods and `response_url`. With `method` chat.update an error
is a refused edit."""
SOCKET_KINDS = ("disconnect", "refresh", "warning", "dead_socket", "silent_socket")
"""On the socket of the next frame in either direction: disconnect (cut), refresh (asked to reconnect, then closed),
warning (its end announced only), dead_socket (stays open, answers nothing), silent_socket (pings only)."""
DELIVERY_KINDS = ("duplicate", "lost_delivery")
"""duplicate (the next envelopes come twice), lost_delivery (the next envelopes never arrive)."""
KINDS = (*METHOD_KINDS, *SOCKET_KINDS, *DELIVERY_KINDS)

MOST_TIMES = 1_000_000
MOST_SECONDS = 3600.0


class FaultRefused(ValueError):
    """The fault asked for is not one; the sentence says why."""


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
    """The faults that are still to come."""

    pending: list[Fault] = field(default_factory=list)

    def inject(
        self, kind: str, *, count: int = 1, method: str = "", seconds: float = 1.0, code: str = "internal_error"
    ) -> None:
        """Let the next `count` fitting calls meet this fault. Raises FaultRefused for one that makes no sense."""
        self.order(kind, count=count, method=method, seconds=seconds, code=code)

    def order(
        self, kind: str, *, count: int = 1, method: str = "", seconds: float = 1.0, code: str = "internal_error"
    ) -> Fault:
        """Inject a fault and give it back, so that `withdraw` can end it."""
        if kind not in KINDS:
            raise FaultRefused(f"unknown fault {kind!r:.60}: one of {', '.join(KINDS)}")
        if not 1 <= count <= MOST_TIMES or not 0 <= seconds <= MOST_SECONDS:
            raise FaultRefused(f"count is 1 to {MOST_TIMES}, seconds 0 to {MOST_SECONDS:g}")
        fault = Fault(kind, count, method, seconds, code)
        self.pending.append(fault)
        return fault

    def withdraw(self, fault: Fault) -> None:
        """End a fault before it is used up."""
        self.pending = [other for other in self.pending if other is not fault]

    def take(self, kinds: tuple[str, ...], method: str = "") -> Fault | None:
        """The next fault of these kinds that fits the method, used once."""
        for fault in self.pending:
            if fault.kind in kinds and fault.method in {"", method}:
                fault.count -= 1
                if fault.count <= 0:
                    self.pending.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """No more faults."""
        self.pending.clear()

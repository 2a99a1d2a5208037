"""What the nodes were asked: the log that tests look at to say "the cluster saw one request"."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Seen:
    """One request as it reached a node from outside; `status` is None until it was answered, 0 when it was cut."""

    at: float
    node: int
    method: str
    target: str
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    status: int | None = None

    @property
    def path(self) -> str:
        """The path without the query."""
        return self.target.partition("?")[0]


@dataclass(slots=True)
class RequestLog:
    """The requests in order of arrival; the oldest go when there are more than `limit`."""

    limit: int = 10_000
    entries: list[Seen] = field(default_factory=list)

    def note(self, seen: Seen) -> None:
        """Add one."""
        self.entries.append(seen)
        del self.entries[: -self.limit]

    def clear(self) -> None:
        """Forget all."""
        self.entries.clear()

    def matching(self, method: str = "", path: str = "", node: int = 0) -> list[Seen]:
        """Those of this method, path and node, where given."""
        return [
            seen
            for seen in self.entries
            if method in {"", seen.method} and path in {"", seen.path} and node in {0, seen.node}
        ]

    def __iter__(self) -> Iterator[Seen]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

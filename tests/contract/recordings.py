"""The recorded exchanges with real clusters: how they are read and played again."""

import json
from dataclasses import dataclass
from pathlib import Path

from tests.support.raw_server import answer

RECORDED = Path(__file__).parent / "recorded"
FILES = sorted(RECORDED.glob("*/*.json"))
DATA_FILES = sorted((Path(__file__).parent / "recorded_data").glob("*/*.json"))
"""Exchanges about volumes, units, disks taken out of service, and schedulers."""


@dataclass(frozen=True)
class Exchange:
    """One recorded exchange."""

    note: str
    took: float
    method: str
    target: str
    body: str
    status: int
    reason: str
    headers: list[list[str]]
    answer: str

    @property
    def is_json(self) -> bool:
        """True if the answer calls itself JSON."""
        return any(key.lower() == "content-type" and "json" in value for key, value in self.headers)


def exchanges(path: Path) -> list[Exchange]:
    """All exchanges of one file, in the order they happened."""
    return [
        Exchange(
            item["note"],
            item["took_ms"] / 1000,
            item["request"]["method"],
            item["request"]["target"],
            item["request"]["body"] or "",
            item["response"]["status"],
            item["response"]["reason"],
            item["response"]["headers"],
            item["response"]["body"] or "",
        )
        for item in json.loads(path.read_text(encoding="utf-8"))
    ]


def replay(exchange: Exchange) -> bytes:
    """The recorded answer as bytes; its length is that of the body as it was kept."""
    headers = [(key, value) for key, value in exchange.headers if key.lower() != "content-length"]
    return answer(exchange.status, exchange.reason, headers, exchange.answer.encode())

"""/cm clusters: what the watch last noted of each configured cluster. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.monitor.verdict import Level
from bot.views.blocks import context, count, date, duration, message, section, table
from bot.views.message import Message
from bot.views.parts import mark_of

_HEADER = ("Cluster", "Verdict", "Leader", "Term", "Hosts", "As of")
NOT_YET = "not looked at yet"


@dataclass(frozen=True, slots=True)
class Line:
    """One cluster: how many hosts it has, what was last noted (`at`, `verdict`, `leader`, `term`), or nothing."""

    name: str
    hosts: int
    noted: Mapping[str, Any]

    @property
    def verdict(self) -> str:
        """The noted verdict in a word."""
        return str(self.noted.get("verdict") or NOT_YET)


def clusters(lines: Sequence[Line], *, now: float) -> Message:
    """All configured clusters."""
    sentence = _sentence(lines)
    if not lines:
        return message(sentence, section(sentence))
    rows = [_row(line, now) for line in lines]
    foot = context(f"As the watch last saw them. It is {date(now, 'time')} now. A fresh look: /cm stat <cluster>")
    return message(sentence, section(f"*{sentence}*"), table(rows, header=_HEADER, right=(3, 4)), foot)


def _sentence(lines: Sequence[Line]) -> str:
    if not lines:
        return "No cluster is configured."
    healthy = sum(line.verdict == Level.HEALTHY for line in lines)
    unseen = sum(line.verdict == NOT_YET for line in lines)
    more = f", {unseen} {NOT_YET}" if unseen else ""
    return f"{healthy} of {count(len(lines), 'cluster')} {'is' if healthy == 1 else 'are'} healthy{more}."


def _row(line: Line, now: float) -> tuple[str, ...]:
    noted = line.noted
    at = noted.get("at")
    age = f"{duration(now - float(at))} ago" if at else "never"
    leader = str(noted.get("leader") or "none") if noted else "-"
    verdict = f"{mark_of(line.verdict)} {line.verdict}"
    return (line.name, verdict, leader, str(noted.get("term", "-")), str(line.hosts), age)

"""/cm clusters: the last observation of each configured cluster. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.alerting.cluster_status import StatusLevel
from bot.interactions.message import Message
from bot.views.blocks import code, context, count, date, duration, escape, message, section, table
from bot.views.parts import bullets, mark_of

_HEADER = ("Cluster", "Verdict", "Leader", "Term", "Hosts", "As of")
NOT_YET = "not polled yet"
_FRESH = code("/cm stat <cluster>")


@dataclass(frozen=True, slots=True)
class ClusterLine:
    """One cluster: its number of hosts, and its last observation or nothing.

    `noted` has `at`, `level` (a word), `verdict` (its sentence), `leader` (peer id, 0: none), `leader_host`, `term`,
    `answered` (the number of hosts that answered).
    """

    name: str
    hosts: int
    noted: Mapping[str, Any]

    @property
    def level(self) -> str:
        """The level in a word."""
        return str(self.noted.get("level") or self.noted.get("verdict") or NOT_YET)

    @property
    def sentence(self) -> str:
        """The sentence of the verdict, or "" if there is only a word."""
        return str(self.noted.get("verdict", "")) if self.noted.get("level") else ""

    @property
    def leader(self) -> str:
        """The leader and its address."""
        peer, host = self.noted.get("leader"), self.noted.get("leader_host")
        return (f"{peer} at {host}" if host else f"{peer}") if peer else "none" if self.noted else "-"


def clusters(lines: Sequence[ClusterLine], *, now: float) -> Message:
    """Render all configured clusters."""
    sentence = _sentence(lines)
    if not lines:
        return message(sentence, section(sentence))
    rows = [_row(line, now) for line in lines]
    wrong = [escape(line.sentence) for line in lines if line.level != StatusLevel.HEALTHY and line.sentence]
    reasons = [section(bullets(wrong))] if wrong else []
    foot = context(f"State at the last poll; it is {date(now, 'time')} now. For a new poll: {_FRESH}")
    return message(sentence, section(f"*{sentence}*"), table(rows, header=_HEADER, right=(3, 4)), *reasons, foot)


def _sentence(lines: Sequence[ClusterLine]) -> str:
    if not lines:
        return "No cluster is configured."
    healthy = sum(line.level == StatusLevel.HEALTHY for line in lines)
    unseen = sum(line.level == NOT_YET for line in lines)
    more = f", {unseen} {NOT_YET}" if unseen else ""
    return f"{healthy} of {count(len(lines), 'cluster')} {'is' if healthy == 1 else 'are'} healthy{more}."


def _row(line: ClusterLine, now: float) -> tuple[str, ...]:
    noted = line.noted
    at = noted.get("at")
    age = f"{duration(now - float(at))} ago" if at else "never"
    verdict = f"{mark_of(line.level)} {line.level}"
    answered = noted.get("answered")
    hosts = str(line.hosts) if answered is None else f"{answered} of {line.hosts}"
    return (line.name, verdict, line.leader, str(noted.get("term") or "-"), hosts, age)

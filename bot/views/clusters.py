"""/cm clusters: the last observation of each configured cluster; /cm whoami and /cm version. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.cluster_status import StatusLevel
from bot.interactions.message import Message
from bot.views.blocks import NumberCell, code, context, count, data_table, date, duration, escape, message, section
from bot.views.parts import bullets, mark_of

_HEADER = ("Verdict", "Cluster", "Leader", "Term", "Hosts", "As of")
NOT_YET = "not polled yet"
_FRESH = code("/cm stat <cluster>")


@dataclass(frozen=True, slots=True)
class ClusterLine:
    """One cluster: its number of hosts and its last known condition."""

    name: str
    hosts: int
    noted: ClusterNote

    @property
    def level(self) -> str:
        """The level in a word."""
        return self.noted.level or self.noted.verdict or NOT_YET

    @property
    def sentence(self) -> str:
        """The sentence of the verdict, or "" if there is only a word."""
        return self.noted.verdict if self.noted.level else ""

    @property
    def leader(self) -> str:
        """The leader and its address."""
        peer, host = self.noted.leader, self.noted.leader_host
        return (f"{peer} at {host}" if host else f"{peer}") if peer else "none" if self.noted.at else "-"


def clusters(lines: Sequence[ClusterLine], *, now: float) -> Message:
    """Render all configured clusters."""
    sentence = _sentence(lines)
    if not lines:
        return message(sentence, section(sentence))
    rows = [_row(line, now) for line in sorted(lines, key=_place)]
    wrong = [escape(line.sentence) for line in lines if line.level != StatusLevel.HEALTHY and line.sentence]
    reasons = [section(bullets(wrong))] if wrong else []
    foot = context(f"State at the last poll; it is {date(now, 'time')} now. For a new poll: {_FRESH}")
    return message(
        sentence,
        section(f"*{sentence}*"),
        data_table(rows, header=_HEADER, caption="Clusters", names=1),
        *reasons,
        foot,
    )


def _sentence(lines: Sequence[ClusterLine]) -> str:
    if not lines:
        return "No cluster is configured."
    healthy = sum(line.level == StatusLevel.HEALTHY for line in lines)
    unseen = sum(line.level == NOT_YET for line in lines)
    more = f", {unseen} {NOT_YET}" if unseen else ""
    return f"{healthy} of {count(len(lines), 'cluster')} {'is' if healthy == 1 else 'are'} healthy{more}."


def _place(line: ClusterLine) -> bool:
    """Return the place of a cluster: one that is not known to be healthy comes first."""
    return line.level == StatusLevel.HEALTHY


def _row(line: ClusterLine, now: float) -> tuple[str, ...]:
    noted = line.noted
    age = NumberCell(f"{duration(now - noted.at)} ago", now - noted.at) if noted.at else "never"
    term = NumberCell(str(noted.term), noted.term) if noted.term else "-"
    verdict = f"{mark_of(line.level)} {line.level}"
    hosts = str(line.hosts) if noted.answered is None else f"{noted.answered} of {line.hosts}"
    return (verdict, line.name, line.leader, term, hosts, age)


def whoami(user: str, channel: str, sentences: Sequence[str]) -> Message:
    """Render the rights of `user` (an id of Slack), one sentence a line; `channel` is the id of the channel."""
    rights = [escape(sentence) for sentence in sentences]
    text = f"You are {escape(user)}. {' '.join(rights)}"
    head = f"You are <@{escape(user)}> ({code(user)}), in <#{escape(channel)}> ({code(channel)})."
    return message(text, section(f"{head}\n{bullets(rights)}"))


def version(version_text: str, docs_url: str) -> Message:
    """Render the version, and the address of the manual."""
    manual = f" Manual: {escape(docs_url)}" if docs_url else ""
    return message(f"{escape(version_text)}.{manual}", section(f"*{escape(version_text)}*.{manual}"))

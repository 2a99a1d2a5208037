"""/cm clusters: the last observation of each configured cluster; /cm whoami and /cm version. No I/O."""

from collections.abc import Mapping, Sequence

from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.cluster_status import StatusLevel
from bot.common.frozen import frozen
from bot.common.text import listed
from bot.interactions.message import BlockJson, Message
from bot.views.blocks import (
    NumberCell,
    actions,
    code,
    context,
    count,
    data_table,
    date,
    duration,
    escape,
    message,
    section,
)
from bot.views.details import details_button, value_of
from bot.views.parts import bullets, mark_of, verdict_of

_HEADER = ("Verdict", "Cluster", "Leader", "Term", "Hosts", "As of")
NOT_YET = "not polled yet"
_FRESH = code("/cm stat <cluster>")
MAX_WRONG = 12
MAX_NAMES = 40
STALE_SECONDS = 300.0
"""Age of a poll beyond which it does not say that a cluster is healthy."""
_ORDER = (
    StatusLevel.NO_LEADER,
    StatusLevel.UNREACHABLE,
    StatusLevel.CONTRADICTION,
    StatusLevel.CRITICAL,
    StatusLevel.DEGRADED,
)
_RANKS: Mapping[str, int] = {**{level: place for place, level in enumerate(_ORDER)}, StatusLevel.HEALTHY: 99}


@frozen
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
    """Render all configured clusters in short: what is wrong first, the healthy ones on one line."""
    sentence = _sentence(lines)
    if not lines:
        return message(sentence, section(sentence))
    healthy = [line for line in lines if _well(line, now)]
    others = sorted((line for line in lines if not _well(line, now)), key=_rank)
    blocks = [section(f"*{sentence}*")]
    if others:
        blocks.append(section(_lines([_wrong(line, now) for line in others])))
    if healthy:
        blocks.append(section(_healthy(healthy, now)))
    return message(sentence, *blocks, _foot(now), actions(details_button(clusters_key(now))))


def clusters_key(now: float) -> str:
    """Return the value of the button that opens the details of the list."""
    return value_of("clusters", now)


def clusters_in_full(lines: Sequence[ClusterLine], *, now: float) -> Message:
    """Render all configured clusters as a table."""
    sentence = _sentence(lines)
    if not lines:
        return message(sentence, section(sentence))
    rows = [_row(line, now) for line in sorted(lines, key=_rank)]
    wrong = [escape(line.sentence) for line in lines if line.level != StatusLevel.HEALTHY and line.sentence]
    reasons = [section(bullets(wrong))] if wrong else []
    shown = data_table(rows, header=_HEADER, caption="Clusters", names=1)
    return message(sentence, section(f"*{sentence}*"), shown, *reasons, _foot(now))


def _foot(now: float) -> BlockJson:
    return context(f"State at the last poll; it is {date(now, 'time')} now. For a new poll: {_FRESH}")


def _well(line: ClusterLine, now: float) -> bool:
    """True if a cluster is healthy by a poll that is not too old to say so."""
    return line.level == StatusLevel.HEALTHY and now - line.noted.at < STALE_SECONDS


def _rank(line: ClusterLine) -> int:
    """The place of a cluster in the list: the worst first, then those that are not known, then the healthy ones."""
    return _RANKS.get(line.level, len(_ORDER))


def _healthy(lines: Sequence[ClusterLine], now: float) -> str:
    names = listed([f"*{escape(line.name)}*" for line in lines], most=MAX_NAMES)
    oldest = duration(now - min(line.noted.at for line in lines))
    polled = f"polled {oldest} ago" if len(lines) == 1 else f"all polled in the last {oldest}"
    return f"{mark_of(StatusLevel.HEALTHY)} Healthy: {names}; {polled}"


def _wrong(line: ClusterLine, now: float) -> str:
    age = f"polled {duration(now - line.noted.at)} ago" if line.noted.at else ""
    if line.level == StatusLevel.HEALTHY:
        return f"{mark_of('')} *{escape(line.name)}* was healthy, and was not polled again: {age}"
    said = verdict_of(line.name, line.sentence) if line.sentence else f"*{escape(line.name)}* {escape(line.level)}"
    return f"{mark_of(line.level)} {said}{f' ({age})' if age else ''}"


def _lines(lines: Sequence[str]) -> str:
    more = [f"… and {len(lines) - MAX_WRONG:,} more"] if len(lines) > MAX_WRONG else []
    return "\n".join((*lines[:MAX_WRONG], *more))


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

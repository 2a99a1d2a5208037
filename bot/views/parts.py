"""Parts that several views share: marks, bounded lists, hosts and their errors. No I/O."""

from collections.abc import Mapping, Sequence

from bot.alerting.cluster_status import StatusLevel
from bot.clustermgr.models import Disk, DiskStatus, HostAnswer, Snapshot, Stat
from bot.clustermgr.wire import MAX_OTHERS, Others
from bot.common.frozen import frozen
from bot.interactions.message import Message
from bot.views.text import code, count, escape

LEVEL_MARKS: Mapping[str, str] = {
    StatusLevel.HEALTHY: "🟢",
    StatusLevel.DEGRADED: "🟡",
    StatusLevel.CRITICAL: "🔴",
    StatusLevel.NO_LEADER: "🔴",
    StatusLevel.UNREACHABLE: "⚫",
    StatusLevel.CONTRADICTION: "🔴",
}
UNKNOWN_MARK = "⚪"
_MAX_HOSTS = 12
_DISK_MARKS = {DiskStatus.NORMAL: "✓", DiskStatus.BROKEN: "✗", DiskStatus.REPAIRING: "↻", DiskStatus.REPAIRED: "■"}


def mark_of(level: str) -> str:
    """Return the symbol of a level; always show it beside its word or its sentence."""
    return LEVEL_MARKS.get(level, UNKNOWN_MARK)


def verdict_of(name: str, sentence: str) -> str:
    """Return the sentence of a cluster's status in mrkdwn; it begins with the name in bold."""
    bold, rest = f"*{escape(name)}*", sentence.removeprefix(f"{name} ")
    return f"{bold} {escape(rest)}" if rest != sentence else f"{bold}: {escape(sentence)}"


def bullets(lines: Sequence[str], most: int = 10) -> str:
    """Return lines of mrkdwn as a list; count those beyond `most`."""
    shown = [f"• {line}" for line in lines[:most]]
    more = [f"• … and {len(lines) - most:,} more"] if len(lines) > most else []
    return "\n".join((*shown, *more))


def disk_state(disk: Disk) -> str:
    """Return the state of a disk with its mark, or the number of an unknown state."""
    try:
        status = DiskStatus(disk.status)
    except ValueError:
        return f"? {unknown_state(disk.status)}"
    return f"{_DISK_MARKS.get(status, '□')} {status.name.lower()}"


def disk_state_phrase(disk: Disk) -> str:
    """Return the state of a disk as it follows the verb *is*."""
    state = disk_state(disk)
    return f"in {state[2:]}" if state.startswith("?") else state[2:]


def unknown_state(number: int) -> str:
    """Return a state of a later release, which cmbot can only repeat."""
    return f"state {number} (unknown to cmbot)"


def sole_line(answer: HostAnswer) -> str:
    """Return one host with its role and response time, or as silent."""
    if answer.stat is None:
        return f"{code(answer.host)} silent"
    return f"{code(answer.host)} {role(answer.stat)}, {answer.took * 1000:,.0f} ms"


def hosts_line(snapshot: Snapshot) -> str:
    """Return how many hosts answered, then each host with its role and response time."""
    lines = [sole_line(answer) for answer in snapshot.answers[:_MAX_HOSTS]]
    more = [f"and {len(snapshot.answers) - _MAX_HOSTS} more"] if len(snapshot.answers) > _MAX_HOSTS else []
    answered = f"{len(snapshot.answered)} of {count(len(snapshot.answers), 'host')} answered"
    return f"{answered}: {' · '.join((*lines, *more))}" if lines else "no host is configured"


def role(stat: Stat) -> str:
    """Return the role that a node reports of itself."""
    if stat.claims_leadership:
        return "leader"
    state = stat.raft_status.raft_state.removeprefix("State").lower()
    return escape(state) or "role unknown"


def why_silent(snapshot: Snapshot) -> list[str]:
    """Return one line for each silent host, with its error."""
    return [_silent(answer) for answer in snapshot.silent]


def _silent(answer: HostAnswer) -> str:
    sentence = answer.error.sentence if answer.error else "It gave no answer."
    # Most sentences of errors start with the host.
    if sentence.startswith(answer.host):
        return f"{code(answer.host)}{escape(sentence.removeprefix(answer.host))}"
    return f"{code(answer.host)} is silent: {escape(sentence)}"


@frozen
class Report:
    """A message that fits one screen, and the replies for its thread, in order."""

    message: Message
    thread: tuple[Message, ...] = ()


def others_line(what: str, others: Others) -> str:
    """Sentence about fields that cmbot does not know, as they were sent; "" without any."""
    if not others:
        return ""
    named = [f"{code(name)} = {code(value)}" for name, value in others[:MAX_OTHERS]]
    more = f" and {len(others) - MAX_OTHERS:,} more" if len(others) > MAX_OTHERS else ""
    return f"{what}also reported, and not known to cmbot: {', '.join(named)}{more}."

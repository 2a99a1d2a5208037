"""/cm stat in short: the verdict, what is wrong, the three figures that matter, the next step. No I/O."""

from collections.abc import Iterator

from bot.alerting.cluster_status import NOTHING_KNOWN, ClusterStatus, StatusContext, cluster_status
from bot.alerting.model import Alert, AlertState
from bot.alerting.quorum import proven_health, quorum_of
from bot.alerting.risk_facts import RiskFact
from bot.alerting.status_facts import VolumesStand
from bot.alerting.topics import most_severe_first
from bot.alerting.volume_risk import RiskLevel
from bot.clustermgr.models import Snapshot, SpaceStat
from bot.common.errors import ClusterTimeout
from bot.common.text import listed
from bot.interactions.message import BlockJson, Message
from bot.views.alert_actions import next_step_of
from bot.views.blocks import actions, bar, clip, code, context, count, date, escape, fields, message, percent, section
from bot.views.blocks import size as size_of
from bot.views.details import details_button, value_of
from bot.views.parts import bullets, mark_of
from bot.views.risk_text import risk_mark, risk_text
from bot.views.status_text import listed_reasons, status_sentence

MOST_REASONS = 5
MAX_SILENT = 12
DISK_COUNTERS = ("broken", "repairing", "repaired", "dropping", "dropped", "readonly", "expired")
"""The counters of disks that are not normal, as a leader's zones name them."""
_MAX_STEP = 400
_NOT_COUNTED = (
    "Disks and space may be out of date: the leader was elected less than six minutes ago and has not counted disks "
    "and space yet."
)


def stat(
    snapshot: Snapshot,
    previous: Snapshot | None = None,
    known: StatusContext = NOTHING_KNOWN,
    *,
    may_grow: bool = False,
) -> Message:
    """Render one poll in short, compared with a previous one; its button opens the rest.

    `may_grow` if a late answer may complete the message.
    """
    status = cluster_status(snapshot, previous, known)
    blocks = [*stat_head(status, known, most=MOST_REASONS)]
    if snapshot.best is not None:
        blocks.append(fields(*_figures(snapshot, previous, snapshot.best[1].space_stat)))
    if step := _next(known):
        blocks.append(section(step))
    blocks.append(context(" ".join(_small_print(snapshot, may_grow=may_grow))))
    blocks.append(actions(details_button(stat_key(snapshot))))
    return message(stat_sentence(snapshot, status, fresh=known.fresh), *blocks)


def _small_print(snapshot: Snapshot, *, may_grow: bool) -> Iterator[str]:
    yield f"{len(snapshot.answered)} of {count(len(snapshot.answers), 'host')} answered."
    if snapshot.leader is None and snapshot.best is not None:
        yield f"No leader answered: the figures are those of {code(snapshot.best[0])} and may be out of date."
    yield f"As of {date(snapshot.at, 'time')}."
    if may_grow and (late := late_hosts(snapshot)):
        yield late


def stat_key(snapshot: Snapshot) -> str:
    """Return the value of the button that opens the details of a poll."""
    return value_of(f"stat {snapshot.cluster}", snapshot.at)


def stat_head(status: ClusterStatus, known: StatusContext, *, most: int) -> Iterator[BlockJson]:
    """Yield the verdict with up to `most` reasons, what was not counted yet, and the volumes at risk."""
    reasons = [escape(reason) for reason in listed_reasons(status)]
    head = f"{mark_of(status.level)} *{escape(status_sentence(status))}*"
    yield section(f"{head}\n{bullets(reasons, most)}" if reasons else head)
    if known.fresh:
        yield context(_NOT_COUNTED)
    if known.risk is not None:
        yield section(_risk(known.risk, _standings(status)))


def _standings(status: ClusterStatus) -> frozenset[RiskLevel]:
    """The standings of volumes that the headline or the reasons count."""
    facts = (status.headline, *status.reasons)
    return frozenset(fact.standing for fact in facts if isinstance(fact, VolumesStand))


def _risk(fact: RiskFact, said: frozenset[RiskLevel]) -> str:
    """The line about volumes, as the watch judged them last, without what is `said` above it."""
    when = f", as of {date(fact.at, 'minute')}" if fact.at else ""
    text = risk_text(fact.risk, besides=said)
    also = f" {'also ' if said else ''}{escape(text)}" if text else ""
    return f"{risk_mark(fact.risk)} *Volumes at risk*{also}{when}: `/cm risk`"


def stat_sentence(snapshot: Snapshot, status: ClusterStatus, *, fresh: bool) -> str:
    """Return the sentence for notifications and screen readers."""
    if snapshot.best is None:
        return escape(status_sentence(status))
    if fresh:
        return f"{escape(status_sentence(status))} {_NOT_COUNTED}"
    space = snapshot.best[1].space_stat
    return (
        f"{escape(status_sentence(status))} "
        f"{percent(space.used_space, space.total_space)} of {size_of(space.total_space)} used, "
        f"{percent(space.writable_space, space.total_space)} writable, {count(space.total_disk, 'disk')}."
    )


def late_hosts(snapshot: Snapshot) -> str:
    """Return the sentence about hosts that may answer yet, "" if there are none."""
    late = [code(answer.host) for answer in snapshot.silent if isinstance(answer.error, ClusterTimeout)]
    return f"If {listed(late, 'or', most=MAX_SILENT)} answers late, this message is updated." if late else ""


def _figures(snapshot: Snapshot, previous: Snapshot | None, space: SpaceStat) -> Iterator[str]:
    yield f"*Quorum*\n{_quorum(snapshot, previous)}"
    yield f"*Disks* {space.total_disk:,}\n{_disks(snapshot, space)}"
    filled = bar(space.used_space / space.total_space if space.total_space > 0 else 0.0, 12)
    used = f"*Space* {percent(space.used_space, space.total_space)} used"
    yield f"{used}\n`{filled}` {size_of(space.writable_space)} of {size_of(space.total_space)} writable"


def _quorum(snapshot: Snapshot, previous: Snapshot | None) -> str:
    """The margin of the quorum: what can be lost before writes stop."""
    health = proven_health(snapshot, previous)
    if not health:
        return "unknown: no leader answered" if snapshot.leader is None else "unknown: no voter is listed"
    found = quorum_of(health)
    of = f"{found.healthy} of {count(found.voters, 'voter')} healthy, {found.needed} must agree"
    if found.spare < 0:
        return f"*short*: {of}"
    spare = count(found.spare, "voter") if found.spare else "*none*"
    return f"can lose {spare}: {of}"


def _disks(snapshot: Snapshot, space: SpaceStat) -> str:
    """The disks that are not normal: broken and repairing ones by the disk list, the others by the leader's counters.

    The counters are minutes old, and the list is of now.
    """
    numbers = {name: sum(getattr(zone, name) for zone in space.disk_stat_infos) for name in DISK_COUNTERS}
    if snapshot.bad_disks is not None:
        numbers["repairing"] = sum(disk.status != 2 for disk in snapshot.bad_disks)  # noqa: PLR2004 - DiskStatus.BROKEN
        numbers["broken"] = len(snapshot.bad_disks) - numbers["repairing"]
    odd = [f"{number:,} {name}" for name, number in numbers.items() if number]
    unread = " (the list of broken disks could not be read)" if snapshot.bad_disks is None else ""
    fine = "none known that is not normal" if unread else "all normal"
    return f"{f'not normal: *{listed(odd)}*' if odd else fine}{unread}"


def _next(known: StatusContext) -> str:
    """The next step of the most severe open alert, "" if there is none."""
    alert = min(filter(_needs_someone, known.alerts), key=most_severe_first, default=None)
    step = next_step_of(alert) if alert is not None else ""
    if alert is None or not step:
        return ""
    return f"*Next* (alert #{alert.id}{_holder(alert)}): {clip(step, _MAX_STEP)}"


def _needs_someone(alert: Alert) -> bool:
    return bool(alert.id) and alert.state in {AlertState.FIRING, AlertState.ACKNOWLEDGED}


def _holder(alert: Alert) -> str:
    return f", <@{escape(alert.acked_by)}> has it" if alert.state is AlertState.ACKNOWLEDGED else ""

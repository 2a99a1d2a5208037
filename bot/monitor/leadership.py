"""Rules about leadership: nobody leads, somebody else leads, and who leads changes again and again."""

import math
from collections.abc import Mapping
from types import MappingProxyType

from bot.monitor.alert import Alert, Finding, Severity
from bot.monitor.covering import covers
from bot.monitor.memory import MAX_CHANGES, LeaderChange
from bot.monitor.peers import silent_hosts_of
from bot.monitor.rule import CANNOT_TELL, Answer, Limits, Rule, Scene, Threshold, Unit
from bot.monitor.words import count, listed, span


def _no_leader(scene: Scene, limits: Limits) -> Answer:
    snapshot = scene.snapshot
    if snapshot.leader is not None:
        return ()
    if not snapshot.answered or snapshot.named_leaders:
        # Nobody to ask; or a leader that is named but silent, which may lead all the same.
        return CANNOT_TELL
    if any(stat.claims_leadership for _, stat in snapshot.answered):
        return CANNOT_TELL
    answered, hosts = len(snapshot.answered), len(snapshot.looks)
    sentence = (
        f"{scene.cluster} has no leader: {answered} of {count(hosts, 'host')} "
        f"{'answers' if answered == 1 else 'answer'} and none knows one, so nothing can be written."
    )
    # Who is silent is why nobody leads, or a part of it: it is said here.
    silent = tuple(("host_unreachable", look.host) for look in snapshot.silent)
    lines = (*_last_leader(scene), *(f"{look.host} gives no usable answer" for look in snapshot.silent))
    return (Finding("no_leader", "", limits.severity, sentence, lines, data=covers(*silent)),)


def _last_leader(scene: Scene) -> tuple[str, ...]:
    if not scene.memory.leader:
        return ()
    return (f"the last known leader was peer {scene.memory.leader} in term {scene.memory.term}",)


def _led_again(scene: Scene, _: Alert) -> str:
    return f"{scene.cluster} has a leader again: peer {scene.memory.leader} in term {scene.memory.term}."


def _leader_changed(scene: Scene, limits: Limits) -> Answer:
    recent = _recent(scene.memory.changes, scene.now, limits["window"])
    if not recent:
        return () if scene.snapshot.leader is not None else CANNOT_TELL
    first, last = recent[0], recent[-1]
    sentence = f"{_moved(scene.cluster, first)}."
    if len(recent) > 1:
        sentence = (
            f"The leader of {scene.cluster} changed {len(recent)} times in {span(last.at - first.at)}, "
            f"last from peer {last.before} to peer {last.after} in term {last.term}."
        )
    lines = tuple(_line(change) for change in reversed(recent)) if len(recent) > 1 else _lost(scene, last)
    parts = [f"{change.before}>{change.after}@{change.at:.3f}" for change in recent]
    data = {"parts": parts, "from": last.before, "to": last.after, "term": last.term}
    data |= {"op": last.op, "approved": last.approved.split()} if last.op else {}
    # What somebody asked for and somebody approved is no alarm.
    severity = limits.at_most(Severity.INFO) if all(change.op for change in recent) else limits.severity
    return (Finding("leader_changed", "", severity, sentence, lines, weight=len(recent), data=data),)


def _lost(scene: Scene, change: LeaderChange) -> tuple[str, ...]:
    """Why leadership moved, where it can be seen: the host of the peer that led is silent."""
    return tuple(f"the peer that led, {change.before}: {line}" for line in silent_hosts_of(scene, change.before))


def _recent(changes: tuple[LeaderChange, ...], now: float, window: float) -> tuple[LeaderChange, ...]:
    """The last changes, each within `window` of the next, the last of them within `window` of now."""
    found: list[LeaderChange] = []
    edge = now
    for change in reversed(changes):
        if edge - change.at >= window:
            break
        found.append(change)
        edge = change.at
    return tuple(reversed(found))


def _moved(cluster: str, change: LeaderChange) -> str:
    moved = f"from peer {change.before} to peer {change.after}, which leads in term {change.term}{_by(change)}"
    if change.away:
        unseen = f"While cmbot was not looking (for {span(change.away)} at most)"
        return f"{unseen}, the leadership of {cluster} moved {moved}"
    return f"The leadership of {cluster} moved {moved}"


def _line(change: LeaderChange) -> str:
    when = f", noticed after at most {span(change.away)} without a look" if change.away else ""
    return f"term {change.term}: from peer {change.before} to peer {change.after}{when}{_by(change)}"


def _by(change: LeaderChange) -> str:
    return f", by operation #{change.op}" if change.op else ""


def _leader_flapping(scene: Scene, limits: Limits) -> Answer:
    """Leader changes that no operation caused, so many within the window; it lasts until the last is a window old."""
    window, many = limits["window"], max(2, round(limits["changes"]))
    changes = [change for change in _recent(scene.memory.changes, scene.now, window) if not change.op]
    if not any(last.at - first.at <= window for first, last in zip(changes, changes[many - 1 :], strict=False)):
        return () if scene.snapshot.leader is not None or changes else CANNOT_TELL
    first, last = changes[0], changes[-1]
    times = f"at least {len(changes)}" if len(changes) >= MAX_CHANGES else str(len(changes))
    return (
        Finding(
            rule="leader_flapping",
            subject="",
            severity=limits.severity if len(changes) >= limits["critical"] else limits.at_most(Severity.WARNING),
            sentence=(
                f"The leadership of {scene.cluster} does not stay: it moved {times} times in "
                f"{span(last.at - first.at)} between peers {_who(changes)}, and each time writes stop for a moment."
            ),
            lines=tuple(_line(change) for change in reversed(changes)),
            # Told anew each time that it doubles, not with each change.
            weight=1 + int(math.log2(len(changes) / many)),
        ),
    )


def _who(changes: list[LeaderChange]) -> str:
    return listed([str(peer) for peer in sorted({peer for each in changes for peer in (each.before, each.after)})])


def _led_on(scene: Scene, _: Alert) -> str:
    memory = scene.memory
    lasted = span(scene.now - memory.leader_since)
    return f"The leader of {scene.cluster} has not changed again: peer {memory.leader} has led for {lasted}."


NO_LEADER = Rule(
    key="no_leader",
    about="No host that answers knows a leader: the cluster takes no writes.",
    severity=Severity.CRITICAL,
    hold=10,
    clear=30,
    remind=1800,
    looks=_no_leader,
    resolved=_led_again,
)

_WINDOW: Mapping[str, Threshold] = MappingProxyType(
    {"window": Threshold(600, Unit.SECONDS, "changes closer together than this are told as one; so long it stays open")}
)

LEADER_CHANGED = Rule(
    key="leader_changed",
    about="Another peer leads than before; an election that the same peer wins again is none.",
    severity=Severity.WARNING,
    hold=0,
    clear=0,
    remind=0,
    looks=_leader_changed,
    resolved=_led_on,
    thresholds=_WINDOW,
)

LEADER_FLAPPING = Rule(
    key="leader_flapping",
    about="The leader changes again and again, and no operation of cmbot asked for it; one alert for all the changes.",
    severity=Severity.CRITICAL,
    hold=0,
    clear=0,
    remind=1800,
    looks=_leader_flapping,
    resolved=_led_on,
    thresholds=MappingProxyType(
        {
            **_WINDOW,
            "changes": Threshold(3, Unit.NUMBER, "so many changes within the window are told by this rule, as one"),
            "critical": Threshold(6, Unit.NUMBER, "from so many changes on it is critical, below it is a warning"),
        }
    ),
)

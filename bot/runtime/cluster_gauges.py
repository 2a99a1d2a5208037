"""The gauges of all clusters at a scrape: what this replica polls itself, and no older than a status may be.

A scrape reads what the polls left behind. It asks no cluster and no database, and runs in another thread, so each
value is taken once and nothing is changed.
"""

from collections.abc import Iterator

from bot.alerting.cluster_state.counters import is_fresh, settled_of
from bot.alerting.gauges import FAMILIES, WATCHED, GaugeFacts, WatchFacts
from bot.leadership.model import watch_of
from bot.runtime.parts import App
from bot.telemetry.families import Source, text_of


def gauges(app: App) -> Iterator[str]:
    """The text of the gauges of all clusters in parts."""
    now = app.clock()
    names = [*app.clusters]
    known = {name: _watch_facts(app, name, now) for name in names}
    yield from text_of(WATCHED, [Source((name,), facts) for name, facts in known.items()])
    current = ((name, _facts(app, name, now)) for name, facts in known.items() if facts.current)
    yield from text_of(FAMILIES, [Source((name,), facts) for name, facts in current if facts is not None])


def _watch_facts(app: App, cluster: str, now: float) -> WatchFacts:
    """What is known of the watch of a cluster: a poll of another replica is exported there."""
    interval = app.watches[cluster].watched.interval
    if app.membership.hold(watch_of(cluster)) is None:
        return WatchFacts(interval)
    note = app.cluster_notes.get(cluster)
    if note is None or not note.at:
        return WatchFacts(interval, here=True)
    age = max(0.0, now - note.at)
    current = age <= app.status_reporter.max_age.get(cluster, 0.0)
    return WatchFacts(interval, here=True, age=age, current=current, answered=bool(note.answered))


def _facts(app: App, cluster: str, now: float) -> GaugeFacts | None:
    """What is known of a cluster; None before this process polled it for the first time."""
    watch, note = app.watches.get(cluster), app.cluster_notes.get(cluster)
    if watch is None or note is None:
        return None
    try:
        latest, previous = watch.latest, watch.previous
    except IndexError:
        # A new series of polls begins at this moment: another process watched meanwhile.
        return None
    if latest is None:
        return None
    fresh = is_fresh(latest, note.state, settled_of(watch.watched.rules))
    return GaugeFacts(note.level, latest, previous, note.state, watch.alerts, fresh, now)

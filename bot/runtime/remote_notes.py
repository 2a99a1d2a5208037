"""The results of the polls of other replicas, as they stored them: this replica answers commands with them."""

from dataclasses import replace

from bot.alerting.cluster_state.state import ClusterNote
from bot.leadership.model import watch_of
from bot.runtime.parts import App
from bot.store.unit_of_work import UnitOfWork


async def refresh_remote_notes(app: App, uow: UnitOfWork) -> None:
    """Read the results of the polls of other replicas, to answer commands here."""
    others = [name for name in app.clusters if app.membership.hold(watch_of(name)) is None]
    if not others:
        return
    notes = app.cluster_notes
    known = {name: notes[name].state.at if name in notes else None for name in others}
    changed = await uow.cluster_states.changed(known)
    # Meanwhile this replica may have gained a cluster and polled it.
    others = [name for name in others if app.membership.hold(watch_of(name)) is None]
    for name in filter(changed.__contains__, others):
        notes[name] = ClusterNote.of(changed[name])
    for name in filter(notes.__contains__, others):
        at = app.remote_times.local(name, notes[name].state.at, app.clock())
        if notes[name].at != at:
            notes[name] = replace(notes[name], at=at)

"""The results of the polls of other replicas, as they stored them: this replica answers commands with them."""

from dataclasses import replace

from bot.alerting.cluster_state.state import ClusterNote
from bot.leadership.model import watch_of
from bot.runtime.parts import App
from bot.store.unit_of_work import UnitOfWork


async def refresh_remote_notes(app: App, uow: UnitOfWork) -> None:
    """Read the results of the polls of other replicas, to answer commands here."""
    others = [name for name in app.clusters if app.membership.hold(watch_of(name)) is None]
    if others:
        times = await uow.cluster_states.times(others)
        known = app.cluster_notes
        new = [name for name, at in times.items() if name not in known or known[name].state.at != at]
        states = await uow.cluster_states.several(new) if new else {}
        for name, written_at in times.items():
            note = ClusterNote.of(states[name]) if name in states else app.cluster_notes[name]
            at = app.remote_times.local(name, written_at, app.clock())
            app.cluster_notes[name] = replace(note, at=at)

"""Records of what happened to alerts, for timelines."""

from collections.abc import Sequence
from dataclasses import replace

from bot.alerting.history import records_of
from bot.alerting.transition import Transition
from bot.store.unit_of_work import UnitOfWork
from bot.views.alert_text.table import outcome_sentence, sentence_of


async def record(uow: UnitOfWork, transitions: Sequence[Transition], now: float = 0.0) -> None:
    """Keep what happened to stored alerts, for timelines."""
    records = [
        replace(each, sentence=outcome_sentence(transition.new) or sentence_of(transition.new))
        for transition in transitions
        for each in records_of(transition, now or transition.new.changed_at)
    ]
    await uow.alert_events.add(records)

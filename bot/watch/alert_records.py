"""Records of what happened to alerts: for timelines, and for receivers outside Slack."""

from collections.abc import Sequence
from dataclasses import replace

from bot.alerting.history import records_of
from bot.alerting.transition import Transition
from bot.store.unit_of_work import UnitOfWork
from bot.views.alert_text.table import outcome_sentence, sentence_of
from bot.watch.output_rows import put_outputs


async def record(uow: UnitOfWork, transitions: Sequence[Transition], now: float = 0.0) -> None:
    """Keep what happened to stored alerts, for timelines and for receivers outside Slack."""
    records = [
        replace(each, sentence=outcome_sentence(transition.new) or sentence_of(transition.new))
        for transition in transitions
        for each in records_of(transition, now or transition.new.changed_at)
    ]
    await uow.alert_events.add(records)
    await put_outputs(uow, [transition.new for transition in transitions])

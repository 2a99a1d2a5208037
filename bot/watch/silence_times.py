"""The starts of silences: of those that were planned ahead, and of the maintenance windows of the settings."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.alerting.model import Alert, Silence
from bot.alerting.silences import mutes
from bot.alerting.windows import Occurrence, Window
from bot.audit.chain import AuditEntry
from bot.common.json_object import JsonValue
from bot.common.message_key import MessageKey
from bot.store.unit_of_work import UnitOfWork
from bot.views.silence_times import silence_started


def audit_detail(held: Silence) -> Mapping[str, JsonValue]:
    """What the audit log says of a silence."""
    about: dict[str, JsonValue] = {"subject": held.subject} if held.subject else {}
    about |= {"alert": held.alert} if held.alert else {}
    about |= {"begins": held.begins} if held.begins > held.created_at else {}
    if held.scope is not None:
        about |= {"peers": list(held.scope.peers), "disks": list(held.scope.disks), "margin": held.scope.margin}
    if held.window is not None:
        severities = [severity.name.lower() for severity in held.window.severities]
        about |= {"rules": list(held.window.rules) or ["*"], "severities": list(severities)}
    return {"silence": held.id, "rule": held.rule, **about, "until": held.until, "reason": held.reason}


async def open_windows(uow: UnitOfWork, due: Sequence[tuple[Window, Occurrence]], now: float) -> None:
    """Begin the silence of each window whose time it is, once over all replicas and restarts.

    One that a person lifted early is not begun again.
    """
    for window, occurrence in due:
        if await uow.scheduled_runs.once(window.job, occurrence.begins):
            held = await uow.silences.add(replace(window.silence(occurrence, now), announced=False))
            await uow.audit.append(AuditEntry(now, "", "silence.begun", held.cluster, detail=audit_detail(held)))


def unannounced(silences: Sequence[Silence], now: float) -> list[Silence]:
    """The silences that have started, and whose start was not announced yet."""
    return [each for each in silences if not each.announced and each.in_force(now)]


async def announce_started(
    uow: UnitOfWork, silences: Sequence[Silence], alerts: Sequence[Alert], now: float, channel: str
) -> None:
    """Announce in the channel each silence that started by itself, with the number of `alerts` that it mutes."""
    for each in unannounced(silences, now):
        await uow.silences.extend(replace(each, announced=True))
        await uow.outbox.put(
            MessageKey.silence(each.id, "begun"), channel, silence_started(each, mutes(each, alerts, now))
        )

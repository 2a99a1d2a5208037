"""The state of cmbot itself: problems in one sentence, and status lines while the database does not answer."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import NoReturn, cast

from structlog.testing import capture_logs

from bot.alerting.cluster_state.state import ClusterNote
from bot.common.errors import StoreError
from bot.common.message_key import MessageKey
from bot.delivery.worker import Outbox
from bot.runtime.status import MAX_WAIT, StatusReporter
from bot.store.database import Store
from bot.watch.admission import Overload
from tests.support.databases import Clock


@dataclass
class Messages:
    """An outbox in a given state; `down` if its database does not answer."""

    healthy: bool = True
    auth_error: str = ""
    oldest_age: float = 0.0
    refusal: str = ""
    down: bool = False
    woken: list[str] = field(default_factory=list)

    async def health(self) -> SimpleNamespace:
        if self.down:
            raise StoreError("The database is locked.")
        return SimpleNamespace(depth=0, oldest_age=self.oldest_age, dead=0)

    async def refused(self) -> str:
        return self.refusal

    def wake(self) -> None:
        self.woken.append("outbox")


class Down:
    """A database that does not answer."""

    def begin(self) -> NoReturn:
        raise StoreError("The database is locked.")

    read = begin


def reporter(
    messages: Messages, clock: Clock, store: object, *, polled: float = 0.0, alone: bool = True
) -> StatusReporter:
    return StatusReporter(
        store=cast("Store", store),
        outbox=cast("Outbox", messages),
        clock=clock,
        hosts={"prod": 3},
        max_age={"prod": 60.0},
        cluster_notes={"prod": ClusterNote(at=clock.now - polled)},
        channels=("C0STATUS",),
        began=clock.now,
        alone=lambda: alone,
    )


async def test_first_problem_is_named(clock: Clock) -> None:
    found = [
        await reporter(messages, clock, Down(), polled=polled).problem()
        for messages, polled in (
            (Messages(), 0.0),
            (Messages(), 61.0),
            (Messages(down=True), 0.0),
            (Messages(healthy=False, auth_error="token_revoked"), 0.0),
            (Messages(refusal="cannot post in C1"), 0.0),
            (Messages(oldest_age=MAX_WAIT + 1), 0.0),
        )
    ]
    assert found == [
        "",
        "prod: not polled lately.",
        "its database does not answer.",
        "Slack rejects the bot token (token_revoked)",
        "cannot post in C1",
        "a message has been waiting to be sent for 601 s",
    ]


async def test_status_without_a_database_is_logged(clock: Clock) -> None:
    messages = Messages(down=True)
    with capture_logs() as logs:
        await reporter(messages, clock, Down()).update("C0STATUS")
        await reporter(messages, clock, Down()).announce_shutdown()
    assert [line["event"] for line in logs] == ["status.store_down"] * 2
    assert messages.woken == []


async def test_shutdown_of_the_last_replica_only_is_announced(store: Store, clock: Clock) -> None:
    await reporter(Messages(), clock, store, alone=False).announce_shutdown()
    async with store.read() as uow:
        assert await uow.outbox.get(MessageKey.status("C0STATUS")) is None
    messages = Messages()
    await reporter(messages, clock, store).announce_shutdown()
    async with store.read() as uow:
        assert await uow.outbox.get(MessageKey.status("C0STATUS")) is not None
    assert messages.woken == ["outbox"]


def test_what_this_process_cannot_do_in_time_is_said_together() -> None:
    clock = Clock()
    idle = reporter(Messages(), clock, Down())
    assert idle.load_remark() == ""
    overload = Overload(clusters=1400, interval=15.0, actual=22.4, skipped=9)
    busy = replace(idle, overload=lambda: overload, reads_wait=lambda: True)
    assert busy.load_remark() == (
        "1,400 clusters are more than this process can poll every 15 s; the interval is now 22 s. "
        "The clusters have more disks and volumes to read than one process reads at once: some wait unread."
    )

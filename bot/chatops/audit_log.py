"""The audit log: records refusals, finds rows for people, verifies the chain."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import structlog

from bot.audit.chain import GENESIS, AuditEntry, AuditRow, BrokenChain, Head, cut_off, verify
from bot.audit.export import csv_head, csv_rows
from bot.audit.query import ALL, AuditQuery, CsvExport, Found
from bot.common.errors import StoreError
from bot.common.frozen import frozen
from bot.common.json_object import JsonValue
from bot.interactions.command_name import DEFAULT
from bot.interactions.events import Click, Invocation
from bot.store.database import Store
from bot.store.unit_of_work import UnitOfWork

log = structlog.get_logger(__name__)

MAX_ROWS = 20_000
"""The newest rows that one CSV file in Slack has; `cmbot audit export` writes all."""
PAGE = 1000
CHECKED_AGENT = "checked.agent"
"""Action of a dry run of an agent."""
MAX_TEXT = 300
"""Stored characters of a text that a person typed or forged."""


RecordRefusal = Callable[[Invocation, str, str], Awaitable[None]]
"""Records a refused command: the invocation, its cluster ("" for none) and the reason, as `AuditLog.refused_command`
does. Never raises."""


@frozen
class AuditLog:
    """Reads the audit log for commands (`AuditBook`; raises StoreError) and adds refusals to it."""

    store: Store
    clock: Callable[[], float]
    command: str = DEFAULT

    async def refused_command(self, invocation: Invocation, cluster: str, why: str) -> None:
        """Record a command that its sender has no right to give. Never raises: the refusal stands in any case."""
        detail = {"text": f"{self.command} {invocation.text}"[:MAX_TEXT], "channel": invocation.channel, "words": why}
        await self._note(AuditEntry(self.clock(), invocation.user, "refused.command", cluster, detail=detail))

    async def refused_agent(self, owner: str, cluster: str, text: str, why: str) -> None:
        """Record a proposal of an agent, in the name of `owner`, that was refused. Never raises."""
        detail: dict[str, JsonValue] = {"text": f"{self.command} {text}"[:MAX_TEXT], "agent": True, "words": why}
        await self._note(AuditEntry(self.clock(), owner, "refused.agent", cluster, detail=detail))

    async def checked_agent(self, owner: str, cluster: str, text: str) -> None:
        """Record a dry run of an agent in the name of `owner`, before the checks run. Never raises."""
        detail: dict[str, JsonValue] = {"text": f"{self.command} {text}"[:MAX_TEXT], "agent": True}
        await self._note(AuditEntry(self.clock(), owner, CHECKED_AGENT, cluster, detail=detail))

    async def refused_click(self, click: Click, why: str) -> None:
        """Record a click that was refused, also one with a forged value. Never raises."""
        detail = {
            "button": click.action_id[:MAX_TEXT],
            "value": click.value[:MAX_TEXT],
            "channel": click.channel,
            "words": why,
        }
        await self._note(AuditEntry(self.clock(), click.user, "refused.click", op_id=click.number("op"), detail=detail))

    async def _note(self, entry: AuditEntry) -> None:
        try:
            async with self.store.begin() as uow:
                op = await uow.operations.get(entry.op_id) if entry.op_id else None
                row = await uow.audit.append(_about(entry, op.cluster if op else ""))
        except StoreError as error:
            log.warning("audit.unnoted", action=entry.action, actor=entry.actor, error=str(error))
        else:
            log.info("audit.noted", action=entry.action, actor=entry.actor, head=str(row.head))

    async def newest(self, asked: AuditQuery, limit: int) -> Found:
        """Return the newest matching rows."""
        async with self.store.read() as uow:
            rows = await uow.audit.newest(asked, limit=limit)
            return Found(tuple(rows), await uow.audit.count(asked), await uow.audit.head())

    async def sheet(self, asked: AuditQuery) -> CsvExport:
        """Return up to MAX_ROWS matching rows as CSV."""
        async with self.store.read() as uow:
            rows = await uow.audit.newest(asked, limit=MAX_ROWS)
            total = await uow.audit.count(asked)
        return await asyncio.to_thread(_sheet, rows, total)


def _about(entry: AuditEntry, cluster: str) -> AuditEntry:
    """Return the entry with the cluster of its operation; an unknown operation is left out."""
    if not entry.op_id or entry.cluster:
        return entry
    return replace(entry, cluster=cluster, op_id=entry.op_id if cluster else 0)


def _sheet(rows: list[AuditRow], total: int) -> CsvExport:
    return CsvExport((csv_head() + csv_rows(reversed(rows))).encode("utf-8", "replace"), len(rows), total)


async def pages(uow: UnitOfWork, asked: AuditQuery = ALL) -> AsyncIterator[list[AuditRow]]:
    """Yield all matching rows, oldest first, a thousand at a time; raises StoreError."""
    last: int | None = None
    while page := await uow.audit.range(asked, after=last, limit=PAGE):
        yield page
        last = page[-1].seq


async def walk(uow: UnitOfWork, noted: Head | None = None) -> tuple[Head, BrokenChain | None]:
    """Verify the chain; returns its end, or the last valid row and the fault after it. Raises StoreError."""
    head = GENESIS
    async for page in pages(uow):
        broken = verify(page, start=head, noted=noted)
        if broken is not None:
            return broken.after, broken
        head = page[-1].head
    return head, cut_off(head, noted)

"""`cmbot audit verify` and `cmbot audit export`: verify the hash chain of the audit log, or export the log."""

from collections.abc import Callable, Sequence
from pathlib import Path

from bot.audit.chain import GENESIS, AuditRow, BrokenChain, Head, cut_off, verify
from bot.audit.export import csv_head, csv_rows, json_lines, read_lines
from bot.chatops.audit_log import pages, walk
from bot.cli.files import readable, writable
from bot.store.database import Store

_KEEP = "Keep this number and hash in another place: with --head they prove later that no row was removed from the end."

_RESTORE = (
    "Rows can be changed or removed without an error. Compare the log with a head that you kept (--head), find out "
    "who did this, then restore the missing protection: see docs/audit.md."
)


def verdict_text(head: Head, broken: BrokenChain | None, what: str) -> str:
    """Return the result of the verification as people read it."""
    if broken is not None:
        return f"{what} is BROKEN at row {broken.seq}: {broken.why}. {_intact(head)}"
    if not head.seq:
        return f"{what} is empty."
    return f"{what} is intact: {head.seq:,} rows, each sealed by the next.\nIt ends with {head}\n{_KEEP}"


def _intact(head: Head) -> str:
    if not head.seq:
        return "No row before it is intact."
    return f"Rows 1 to {head.seq:,} are intact, up to {head}." if head.seq > 1 else f"Row 1 is intact: {head}."


def unguarded_text(faults: Sequence[str]) -> str:
    """Return the faults of the protection of the log as people read them."""
    listed = "\n".join(f"- {fault}" for fault in faults)
    return f"It was TAMPERED WITH, or can be tampered with:\n{listed}\n{_RESTORE}"


async def guards_of(url: str) -> tuple[str, ...]:
    """Return the faults of the triggers that protect the log; raise ConfigError, StoreError."""
    async with Store.existing(url) as store, store.read() as uow:
        return await uow.guards.faults()


async def verify_store(url: str, noted: Head | None) -> tuple[Head, BrokenChain | None]:
    """Verify the chain in the database; raise ConfigError, StoreError."""
    async with Store.existing(url) as store, store.read() as uow:
        return await walk(uow, noted)


def verify_file(path: Path, noted: Head | None) -> tuple[Head, BrokenChain | None]:
    """Verify the chain in an export (JSON lines) without settings or database; raise UserError."""
    head = GENESIS
    with readable(path, "an export in JSON lines") as lines:
        for row in read_lines(lines):
            broken = verify((row,), start=head, noted=noted)
            if broken is not None:
                return head, broken
            head = row.head
    return head, cut_off(head, noted)


async def export_store(url: str, form: str, path: Path, *, replace: bool = False) -> Head:
    """Write the whole log as one consistent view; return its end. Raise ConfigError, StoreError, UserError."""
    render: Callable[[Sequence[AuditRow]], str] = csv_rows if form == "csv" else json_lines
    head = GENESIS
    with writable(path, replace=replace) as out:
        out.write(csv_head() if form == "csv" else "")
        async with Store.existing(url) as store, store.read() as uow:
            async for page in pages(uow):
                out.write(render(page))
                head = page[-1].head
    return head

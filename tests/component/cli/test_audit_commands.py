"""The command line's audit: proven in the database and in a file, written as CSV and JSON lines."""

import asyncio
import csv
import os
import stat
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from bot.audit.chain import GENESIS, AuditEntry, BrokenChain, Head, parse_head
from bot.chatops import audit_log
from bot.cli.audit import export_store, verdict_text, verify_file, verify_store
from bot.cli.files import writable
from bot.cli.main import main
from bot.common.errors import UserError
from bot.store.database import Store
from bot.store.url import parse

ROOT = Path(__file__).parents[3]


async def fill(store: Store, number: int) -> Head:
    head = GENESIS
    for turn in range(number):
        async with store.begin() as uow:
            entry = AuditEntry(float(turn), "@U1", "operation.waiting", "prod", turn, {"words": f"=turn {turn} \u00fc"})
            head = (await uow.audit.append(entry)).head
    return head


async def tampered(url: str, statement: str) -> None:
    """Change rows as the owner of the database can."""
    engine = create_async_engine(parse(url).url)
    guards = (
        ("audit_append_only ON audit",)
        if "postgres" in url
        else ("audit_no_update", "audit_no_delete", "audit_no_replace")
    )
    try:
        async with engine.begin() as connection:
            for guard in guards:
                await connection.execute(text(f"DROP TRIGGER {guard}"))
            await connection.execute(text(statement))
    finally:
        await engine.dispose()


async def test_a_whole_log_is_proven_page_by_page(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "PAGE", 3)
    assert await verify_store(database_url, None) == (GENESIS, None)
    early = await fill(store, 4)
    head = await fill(store, 6)
    assert await verify_store(database_url, None) == (head, None)
    assert await verify_store(database_url, parse_head(early.short)) == (head, None)


@pytest.mark.parametrize(
    ("statement", "row", "why"),
    [
        ("UPDATE audit SET actor = 'U9' WHERE seq = 4", 4, "was changed"),
        ("UPDATE audit SET detail = detail || ' ' WHERE seq = 5", 5, "was changed"),
        ("UPDATE audit SET at = at + 0.0001 WHERE seq = 2", 2, "was changed"),
        ("UPDATE audit SET hash = prev_hash, prev_hash = hash WHERE seq = 1", 1, "prev_hash"),
        ("DELETE FROM audit WHERE seq = 3", 4, "in the place of row 3"),
        ("DELETE FROM audit WHERE seq = 1", 2, "in the place of row 1"),
        ("UPDATE audit SET seq = -1 WHERE seq = 3", -1, "in the place of row 1"),
        (
            "INSERT INTO audit SELECT 0, at, actor, action, cluster, 0, detail, hash, hash FROM audit WHERE seq = 3",
            0,
            "in the place of row 1",
        ),
    ],
)
async def test_verify_finds_changes_by_the_owner_of_the_database(
    store: Store, database_url: str, statement: str, row: int, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "PAGE", 2)
    await fill(store, 6)
    await tampered(database_url, statement)
    _, broken = await verify_store(database_url, None)
    assert broken is not None
    assert broken.seq == row
    assert why in broken.why


async def test_verify_with_a_noted_head_finds_removed_last_rows(store: Store, database_url: str) -> None:
    head = await fill(store, 5)
    await tampered(database_url, "DELETE FROM audit WHERE seq > 3")
    end, broken = await verify_store(database_url, None)
    assert (end.seq, broken) == (3, None), "the chain alone cannot tell"
    end, broken = await verify_store(database_url, head)
    assert "BROKEN at row 4: the log ends with row 3, but row 5 existed" in verdict_text(end, broken, "The audit log")


async def test_an_export_is_the_log_and_can_be_proven_elsewhere(
    store: Store, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit_log, "PAGE", 2)
    head = await fill(store, 5)
    file = tmp_path / "audit.jsonl"
    assert await export_store(database_url, "jsonl", file) == head
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not file.with_name("audit.jsonl.part").exists()
    assert verify_file(file, head) == (head, None)

    assert await asyncio.to_thread(main, ["audit", "verify", "--file", str(file)]) == 0
    assert f"5 rows, each sealed by the next.\nIt ends with {head}\n" in capsys.readouterr().out

    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines[:2], lines[2].replace("U1", "U2"), *lines[3:]]))
    assert await asyncio.to_thread(main, ["audit", "verify", "--file", str(file)]) == 1
    assert "is BROKEN at row 3: its hash does not fit its content: it was changed." in capsys.readouterr().out

    file.write_text("".join(lines[:4]))
    options = ["audit", "verify", "--file", str(file), "--head", head.short]
    assert await asyncio.to_thread(main, options) == 1
    assert "is BROKEN at row 5" in capsys.readouterr().out


async def test_a_csv_has_every_row_and_no_formula(store: Store, database_url: str, tmp_path: Path) -> None:
    await fill(store, 3)
    file = tmp_path / "audit.csv"
    await export_store(database_url, "csv", file)
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [(row["seq"], row["actor"], row["op_id"], row["detail"]) for row in rows] == [
        ("1", "'@U1", "", '{"words":"=turn 0 \u00fc"}'),
        ("2", "'@U1", "1", '{"words":"=turn 1 \u00fc"}'),
        ("3", "'@U1", "2", '{"words":"=turn 2 \u00fc"}'),
    ]


async def test_file_that_cannot_be_written_or_read_is_refused(store: Store, database_url: str, tmp_path: Path) -> None:
    await fill(store, 1)
    with pytest.raises(UserError, match="cannot be written"):
        await export_store(database_url, "csv", tmp_path / "nowhere" / "audit.csv")
    with pytest.raises(UserError, match="cannot be read"):
        verify_file(tmp_path / "nothing.jsonl", None)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="cannot be read"):
        verify_file(tmp_path / "binary", None)


def test_a_failed_export_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    file = tmp_path / "audit.csv"
    file.write_text("old")

    def fail() -> None:
        with writable(file, replace=True) as out:
            out.write("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match="cannot be written"):
        fail()
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["audit.csv"]


def test_verdict_text_of_an_empty_log_and_first_row() -> None:
    assert verdict_text(GENESIS, None, "The audit log") == "The audit log is empty."
    first = verdict_text(GENESIS, BrokenChain(1, "it was changed"), "The audit log")
    assert first == "The audit log is BROKEN at row 1: it was changed. No row before it is intact."


async def test_the_program_itself_finds_the_database_in_its_settings(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    head = await fill(store, 2)
    config = tmp_path / "config.yaml"
    config.write_text("clusters: [{name: prod, hosts: ['127.0.0.1:1'], alert_channel: C0ALERTS}]\n")
    environment = {**os.environ, "CMBOT_STORE_URL": database_url}

    async def cmbot(*arguments: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "bot", "audit", *arguments, "--config", str(config)),
            cwd=ROOT,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        return process.returncode, out.decode()

    file = tmp_path / "out.jsonl"
    assert await cmbot("export", "--format", "jsonl", "--out", str(file)) == (
        0,
        f"Wrote 2 rows to {file}. The log ends with {head}\n",
    )
    code, words = await cmbot("verify", "--head", head.short)
    assert (code, words.splitlines()[1]) == (0, f"It ends with {head}")
    assert verify_file(file, head) == (head, None)

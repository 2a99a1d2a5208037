"""What docs/audit.md tells others to do, done as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.alerting.cluster_state.state import ClusterState
from bot.audit.chain import AuditEntry, verify
from bot.cli.audit import export_store
from bot.common.errors import StoreError
from bot.store.database import Store
from tests.support.databases import Postgres

PAGE = (Path(__file__).parents[3] / "docs" / "audit.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The page's one block of that language."""
    [found] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


async def fill(store: Store, number: int) -> None:
    for turn in range(number):
        async with store.begin() as uow:
            await uow.audit.append(
                AuditEntry(float(turn), "U1", "x", "prod", turn, {"words": 'gr\u00fc\u00df "\u2028\x7f\t'})
            )


def checked(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-W", "ignore", "-c", block("python")]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)  # noqa: S603 - our own page


async def test_another_program_proves_an_export(store: Store, database_url: str, tmp_path: Path) -> None:
    await fill(store, 4)
    file = tmp_path / "audit.jsonl"
    head = await export_store(database_url, "jsonl", file)
    done = checked(tmp_path)
    assert (done.returncode, done.stdout) == (0, f"4 rows; the head is {head}\n")
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([lines[0], lines[1].replace("prod", "test"), *lines[2:]]))
    assert "row 2 does not fit" in checked(tmp_path).stderr
    file.write_text("".join([lines[0], *lines[2:]]))
    assert "row 2 does not fit" in checked(tmp_path).stderr


async def test_dedicated_database_role_can_only_append(postgres: Postgres) -> None:
    name = await postgres.create()
    url = postgres.url(name)
    async with Store.open(url) as owner:
        await owner.migrate()
        async with owner.begin() as uow:
            grants = block("sql").replace("cmbot", name).split(";")
            for statement in (f"CREATE ROLE {name} LOGIN", *grants):
                if statement.strip():
                    await uow.audit._session.change(text(statement))
    async with Store.open(url.replace("postgres@", f"{name}@")) as store:
        await store.migrate()
        await fill(store, 2)
        async with store.begin() as uow:
            await uow.cluster_states.put("prod", ClusterState(term=1))
        for statement in (
            "UPDATE audit SET actor = 'U9'",
            "DELETE FROM audit",
            "DROP TRIGGER audit_append_only ON audit",
        ):
            with pytest.raises(StoreError, match=r"lacks a privilege"):
                async with store.begin() as uow:
                    await uow.audit._session.change(text(statement))
        async with store.read() as uow:
            assert verify(await uow.audit.range()) is None
            assert await uow.audit.count() == 2
    await postgres.drop(name)
    async with Store.open(postgres.url("postgres")) as server, server.begin() as uow:
        await uow.audit._session.change(text(f"DROP ROLE {name}"))

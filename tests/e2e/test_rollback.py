"""The way back: the former release refuses what the present one has written, and goes on from the backup.

docs/upgrading.md describes the same steps.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.restored_installation import SECRETS, cmbot, configured, recorded, restored
from tests.support.older_release import newest, older_cmbot, unpacked

pytestmark = pytest.mark.long
LAST = recorded("audit")[-1]
HEAD = f"{LAST['seq']}:{LAST['hash']}"
"""Last hash of the recorded audit log."""


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The former release."""
    return unpacked(newest(), tmp_path_factory.mktemp("older"))


class Installed:
    """An installation of the former release, and both releases on it."""

    def __init__(self, folder: Path, older: Path) -> None:
        self.folder, self._older = folder, older
        self.config = configured(folder)

    async def now(self, *arguments: str, database: str = "") -> str:
        """Run a command of the present release; it must succeed."""
        status, out = await cmbot(self.config, *arguments, CMBOT_STORE_URL=database)
        assert status == 0, out
        return out

    async def formerly(self, *arguments: str, database: str = "", status: int = 0) -> str:
        """Run a command of the former release; it must end with `status`, and never with a traceback."""
        environment = SECRETS | {"CMBOT_STORE_URL": database}
        found, out = await older_cmbot(self._older, *arguments, "--config", str(self.config), **environment)
        assert (found, "Traceback" in out) == (status, False), out
        return out


@pytest.fixture
def installed(tmp_path: Path, older: Path) -> Installed:
    """The recorded installation."""
    restored(tmp_path)
    return Installed(tmp_path, older)


async def test_export_of_the_former_release_leads_back(installed: Installed) -> None:
    """Export, upgrade, go back into a new database, and upgrade that again: the audit log ends where it ended."""
    before, after = str(installed.folder / "before.jsonl"), str(installed.folder / "after.jsonl")
    back = f"sqlite:///{installed.folder}/back.db"
    assert HEAD in await installed.formerly("export", before)

    await installed.now("migrate")
    await installed.now("export", after)
    refused = await installed.formerly("migrate", status=1)
    assert "a newer cmbot has written it. Run that release, or restore the backup made before it." in refused
    refused = await installed.formerly("import", after, database=back, status=1)
    assert "Nothing was imported." in refused

    assert HEAD in await installed.formerly("import", before, database=back)
    assert HEAD in await installed.formerly("audit", "verify", "--head", HEAD, database=back)
    await installed.now("migrate", database=back)
    assert HEAD in await installed.now("audit", "verify", "--head", HEAD, database=back)


async def test_refused_start_changes_nothing(installed: Installed) -> None:
    """The former release does not start on a migrated database, and the present one goes on with it."""
    await installed.now("migrate")
    held = _rows(installed.folder / "cmbot.db")
    assert "a newer cmbot has written it" in await installed.formerly("run", status=1)
    assert _rows(installed.folder / "cmbot.db") == held
    assert HEAD in await installed.now("audit", "verify", "--head", HEAD)


async def test_copy_of_the_file_leads_back(installed: Installed) -> None:
    """A copy that SQLite made before the upgrade is a backup as well."""
    copy = installed.folder / "copy.db"
    with closing(sqlite3.connect(installed.folder / "cmbot.db")) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    copy.chmod(0o600)
    await installed.now("migrate")
    assert HEAD in await installed.formerly("audit", "verify", "--head", HEAD, database=f"sqlite:///{copy}")
    assert HEAD in await installed.formerly(
        "export", str(installed.folder / "again.jsonl"), database=f"sqlite:///{copy}"
    )


def _rows(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608

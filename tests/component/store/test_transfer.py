"""Export and import of a complete database, and files that an import refuses."""

import json
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.model import Silence
from bot.cli.main import main
from bot.cli.transfer import export_state, import_state
from bot.common.errors import StoreError, UserError
from bot.operations.policy import PolicyMode
from bot.store import dump
from bot.store.database import Store
from bot.store.dump import TABLES
from bot.store.migrate import newest
from tests.support.databases import Postgres
from tests.support.store_filling import everything, fill

ROWS = 7


async def contents(url: str) -> dict[str, object]:
    async with Store.open(url) as store:
        return {**await everything(store)}


def rows_of(found: Mapping[str, object], table: str) -> Sequence[Mapping[str, object]]:
    """The rows of a table."""
    rows = found[table]
    assert isinstance(rows, list)
    return rows


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows for several pages of every table."""
    monkeypatch.setattr(dump, "PAGE", 3)
    monkeypatch.setattr("bot.cli.transfer.PAGE", 2)


@pytest.fixture
async def written(tmp_path: Path) -> Path:
    """An export of a filled database."""
    file = tmp_path / "written.jsonl"
    async with Store.open(f"sqlite:///{tmp_path}/origin.db") as store:
        await store.migrate()
        await fill(store, ROWS)
    await export_state(f"sqlite:///{tmp_path}/origin.db", file)
    return file


@pytest.mark.usefixtures("small_pages")
async def test_transfer_to_postgresql_and_back_changes_nothing(
    written: Path, tmp_path: Path, postgres: Postgres
) -> None:
    origin, name, back = f"sqlite:///{tmp_path}/origin.db", await postgres.create(), f"sqlite:///{tmp_path}/back.db"
    await import_state(postgres.url(name), written)
    again = await export_state(postgres.url(name), tmp_path / "again.jsonl")
    moved = await import_state(back, tmp_path / "again.jsonl")
    before, between, after = await contents(origin), await contents(postgres.url(name)), await contents(back)
    assert before == between == after
    assert all(len(rows) == ROWS for rows in before.values() if isinstance(rows, list))
    assert (moved.broken, moved.head, again.head.seq) == (None, again.head, ROWS)
    await postgres.drop(name)


@pytest.mark.parametrize("mode", PolicyMode)
async def test_moved_installation_keeps_its_default_policies(tmp_path: Path, mode: PolicyMode) -> None:
    origin, moved = f"sqlite:///{tmp_path}/origin.db", f"sqlite:///{tmp_path}/moved.db"
    async with Store.open(origin) as store:
        await store.migrate()
        async with store.begin() as uow:
            await uow.facts.put_policies(mode, 1.0)
    await export_state(origin, tmp_path / "written.jsonl")
    await import_state(moved, tmp_path / "written.jsonl")
    async with Store.open(moved) as store, store.read() as uow:
        assert await uow.facts.policies() is mode


async def test_ids_continue_after_the_last_one_given_out(store: Store, database_url: str, tmp_path: Path) -> None:
    """Cards in Slack show the id of an alert: a new alert must not get the id of a deleted one."""
    silence = Silence("prod", "*", "", 100.0, "U1", "", 1.0)
    async with store.begin() as uow:
        held = [await uow.silences.add(silence) for _ in range(5)]
        for each in held[2:]:
            await uow.silences.remove(each.id)
    await export_state(database_url, tmp_path / "written.jsonl")
    await import_state(f"sqlite:///{tmp_path}/next.db", tmp_path / "written.jsonl")
    async with Store.open(f"sqlite:///{tmp_path}/next.db") as moved, moved.begin() as uow:
        assert (await uow.silences.add(silence)).id == held[-1].id + 1


async def test_ids_continue_in_every_counting_table(written: Path, postgres: Postgres) -> None:
    name = await postgres.create()
    await import_state(postgres.url(name), written)
    async with Store.open(postgres.url(name)) as store, store.begin() as uow:
        assert await uow.dump.numbers() == dict.fromkeys(
            ("alerts", "alert_events", "notes", "silences", "operations", "posts", "outputs"), ROWS * 3
        )
        assert (await uow.silences.add(Silence("prod", "*", "", 100.0, "U1", "", 1.0))).id == ROWS * 3 + 1
    await postgres.drop(name)


@pytest.mark.usefixtures("store")
async def test_export_is_for_its_owner_only_and_replaces_a_file(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "written.jsonl"
    part = tmp_path / "written.jsonl.part"
    file.write_text("old")
    file.chmod(0o644)
    with pytest.raises(UserError, match="exists: name another file, or add --force"):
        await export_state(database_url, file)
    assert file.read_text() == "old"
    await export_state(database_url, file, replace=True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text().splitlines()[0])["what"] == "cmbot export"
    assert not part.exists()


async def test_export_is_one_consistent_view(store: Store) -> None:
    await fill(store, ROWS)
    async with store.read() as uow:
        counts = await uow.dump.counts()
        async with store.begin() as other:
            await other.cluster_states.put("later", ClusterState(term=1))
        rows = [row async for page in uow.dump.pages("memory") for row in page]
    assert len(rows) == counts["memory"] == ROWS


async def test_import_leaves_a_database_with_rows_unchanged(store: Store, database_url: str, written: Path) -> None:
    async with store.begin() as uow:
        await uow.cluster_states.put("prod", ClusterState(term=3))
    with pytest.raises(UserError, match=r"not empty \(it has rows in memory\).*Nothing was imported"):
        await import_state(database_url, written)
    rows = await everything(store)
    [kept] = rows.pop("memory")
    assert (kept["cluster"], kept["data"]["term"]) == ("prod", 3)
    assert not any(rows.values())


def lines_of(file: Path) -> list[str]:
    return file.read_text().rstrip("\n").split("\n")


def rewrite(file: Path, lines: list[str]) -> None:
    file.write_text("\n".join(lines) + "\n")


def _first(change: dict[str, object]) -> Callable[[list[str]], list[str]]:
    return lambda lines: [json.dumps({**json.loads(lines[0]), **change}), *lines[1:]]


def _row(table: str, change: dict[str, object]) -> Callable[[list[str]], list[str]]:
    def changed(line: str) -> str:
        held = json.loads(line)
        return json.dumps({**held, "row": {**held["row"], **change}}) if held.get("table") == table else line

    return lambda lines: [changed(line) for line in lines]


_LATER_TABLES = ("notes", "alert_events", "outputs", "external_alerts")
_LATER_COLUMNS = {"scope": "", "window": "", "begins": 0.0, "announced": True}
"""Columns of silences since revision 0008, and their values in rows that are older."""


_LATER_PARTS = ("policies",)
"""Parts of the header since revision 0008."""


def _as_of_0008(lines: list[str]) -> list[str]:
    """The export as revision 0008 writes it: some tables have fewer columns, and there are fewer tables."""

    def older(line: str) -> str:
        held = json.loads(line)
        if held.get("table") == "silences":
            held["row"] = {name: value for name, value in held["row"].items() if name not in _LATER_COLUMNS}
        elif held.get("table") in {"operations", "posts"}:
            del held["row"]["trace"]
        return json.dumps(held)

    header = json.loads(lines[0])
    fewer = {
        part: {name: number for name, number in header[part].items() if name not in _LATER_TABLES}
        for part in ("counts", "numbers")
    }
    kept = [line for line in lines if json.loads(line).get("table") not in _LATER_TABLES]
    kept[0] = json.dumps({name: value for name, value in json.loads(kept[0]).items() if name not in _LATER_PARTS})
    return [older(line) for line in _first({"revision": "0008", **fewer})(kept)]


@pytest.mark.parametrize("migrated", [False, True])
async def test_older_export_is_imported_and_migrated(written: Path, tmp_path: Path, migrated: bool) -> None:
    """Also into an empty database that has the newest schema already."""
    rewrite(written, _as_of_0008(lines_of(written)))
    url = f"sqlite:///{tmp_path}/next.db"
    async with Store.open(url) as store:
        if migrated:
            await store.migrate()
    await import_state(url, written)
    async with Store.open(url) as store:
        assert await store.revision() == newest()
        async with store.read() as uow:
            assert await uow.facts.policies() is PolicyMode.LOOSE
    before, after = await contents(f"sqlite:///{tmp_path}/origin.db"), await contents(url)
    later: Mapping[str, Mapping[str, object]] = {
        "silences": _LATER_COLUMNS,
        "operations": {"trace": ""},
        "posts": {"trace": ""},
    }
    older = {table: [{**row, **columns} for row in rows_of(before, table)] for table, columns in later.items()}
    assert after == {**before, **older, **{table: [] for table in _LATER_TABLES}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_first({"revision": "0007"}), "reads exports since 0008"),
        (_first({"revision": "0008"}), "there is no table 'alert_events'"),
        (lambda lines: [_as_of_0008(lines)[0], *lines[1:]], "there is no table 'alert_events'"),
        (lambda lines: [lines[0], *_as_of_0008(lines)[1:]], "its columns are not those of the table operations"),
        (lambda _lines: [], "is not an export"),
        (lambda lines: lines[1:], "is not an export"),
        (lambda lines: ["{}", *lines], "is not an export"),
        (lambda lines: ["[" * 100_000, *lines], "is not an export"),
        (_first({"what": "something else"}), "is not an export"),
        (_first({"counts": {"alerts": -1}}), "is not an export"),
        (_first({"revision": "9999", "later": 1}), "was written by a later release"),
        (_first({"revision": "9999"}), "revision 9999 of the schema, but this release has"),
        (lambda lines: lines[:-1], "is not complete"),
        (lambda lines: [lines[0], *lines], "line 2: this is not a row"),
        (lambda lines: [*lines[:2], *lines[3:]], "is not complete"),
        (lambda lines: [*lines, "garbage"], "line [0-9]+: this is not a row"),
        (lambda lines: [*lines, '{"table":"audit"}'], "this is not a row"),
        (lambda lines: [*lines, '{"table":"sqlite_master","row":{}}'], "no table 'sqlite_master'"),
        (_row("alerts", {"extra": 1}), "its columns are not those of the table alerts"),
        (_row("alerts", {"severity": "high"}), "alerts.severity has an impossible value"),
        (_row("alerts", {"since": True}), "alerts.since has an impossible value"),
        (_row("inbound", {"done": 1}), "inbound.done has an impossible value"),
        (_row("alerts", {"cluster": None}), "alerts.cluster has an impossible value"),
        (_row("alerts", {"sentence": "nul \x00"}), "alerts.sentence has an impossible value"),
        (_row("operations", {"id": 1 << 63}), "operations.id has an impossible value"),
    ],
)
async def test_altered_file_is_refused_and_imports_nothing(
    written: Path, tmp_path: Path, change: Callable[[list[str]], list[str]], words: str
) -> None:
    rewrite(written, change(lines_of(written)))
    with pytest.raises(UserError, match=words) as caught:
        await import_state(f"sqlite:///{tmp_path}/next.db", written)
    assert str(caught.value).endswith("Nothing was imported.")
    async with Store.open(f"sqlite:///{tmp_path}/next.db") as store:
        await store.migrate()
        assert not any((await everything(store)).values())


async def test_duplicate_row_is_refused(written: Path, tmp_path: Path) -> None:
    lines = lines_of(written)
    rewrite(written, [*lines, lines[-1]])
    with pytest.raises(StoreError):
        await import_state(f"sqlite:///{tmp_path}/next.db", written)


async def test_import_of_a_changed_audit_chain_is_reported(written: Path, tmp_path: Path) -> None:
    rewrite(written, _row("audit", {"actor": "U9"})(lines_of(written)))
    moved = await import_state(f"sqlite:///{tmp_path}/next.db", written)
    assert "BROKEN at row 1" in moved.text("Imported", written)


async def test_database_of_another_release_is_not_exported(tmp_path: Path) -> None:
    async with Store.open(f"sqlite:///{tmp_path}/empty.db"):
        pass
    with pytest.raises(StoreError, match="run `cmbot migrate`"):
        await export_state(f"sqlite:///{tmp_path}/empty.db", tmp_path / "written.jsonl")
    assert not (tmp_path / "written.jsonl").exists()


def test_command_line_transfers_a_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "config.yaml"
    settings.write_text("clusters: [{name: prod, hosts: ['127.0.0.1:1'], alert_channel: C0STORAGE}]\n")
    monkeypatch.setenv("CMBOT_STORE_URL", f"sqlite:///{tmp_path}/one.db")
    assert main(["migrate", "--config", str(settings)]) == 0
    assert main(["export", "--config", str(settings), str(tmp_path / "out.jsonl")]) == 0
    monkeypatch.setenv("CMBOT_STORE_URL", f"sqlite:///{tmp_path}/two.db")
    assert main(["import", "--config", str(settings), str(tmp_path / "out.jsonl")]) == 0
    shown = capsys.readouterr().out
    assert f"Wrote {tmp_path}/out.jsonl: 0 rows (none)." in shown
    assert f"Imported {tmp_path}/out.jsonl: 0 rows (none)." in shown
    assert main(["import", "--config", str(settings), str(tmp_path / "nothing.jsonl")]) == 1


def test_every_table_of_the_schema_is_exported() -> None:
    assert set(TABLES) >= {
        "alerts",
        "audit",
        "firings",
        "inbound",
        "memory",
        "operations",
        "posts",
        "samples",
        "silences",
    }

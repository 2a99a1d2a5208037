"""The present command line takes the settings, database, export and names of cmbot 0.1.0."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.restored_installation import FIXTURES, cmbot, configured, lines_of, recorded, restored, text_of

NAMES: dict[str, Any] = json.loads(text_of("names.json"))
LAST = recorded("audit")[-1]
HEAD = f"{LAST['seq']}:{LAST['hash']}"
"""Last hash of the recorded audit log."""
REPOSITORY = Path(__file__).parents[2]


FREE = {"rules", "clusters.rules", "policies", "clusters.policies"}
"""Sections whose own keys are names of rules and of changes."""


def _keys(value: Any, place: str = "") -> set[str]:
    """All keys with their sections; entries of lists and of rules count under their section."""
    if isinstance(value, list):
        return {key for each in value for key in _keys(each, place)}
    if not isinstance(value, dict):
        return set()
    found = set()
    for key, held in value.items():
        at = f"{place}.{key}".strip(".")
        found |= {at} | _keys(list(held.values()) if at in FREE else held, at)
    return found


def test_recorded_settings_use_every_key() -> None:
    written = _keys(yaml.safe_load(text_of("config.yaml")))
    assert set(NAMES["settings"]) - written == set()


async def test_recorded_settings_and_database_open(tmp_path: Path) -> None:
    """The settings load, the database is brought up to date, and its audit log still ends where it ended."""
    config = configured(tmp_path)
    restored(tmp_path)
    assert (await cmbot(config, "migrate"))[0] == 0
    status, out = await cmbot(config, "audit", "verify", "--head", HEAD)
    assert (status, HEAD in out) == (0, True), out


async def test_recorded_audit_log_is_exported_with_its_hashes(tmp_path: Path) -> None:
    config, file = configured(tmp_path), tmp_path / "audit.jsonl"
    restored(tmp_path)
    assert (await cmbot(config, "migrate"))[0] == 0
    status, out = await cmbot(config, "audit", "export", "--format", "jsonl", "--out", str(file))
    assert status == 0, out
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [row["hash"] for row in rows] == [row["hash"] for row in recorded("audit")]
    assert {row["action"] for row in rows} <= set(NAMES["audit_actions"])


async def test_recorded_export_fills_an_empty_database(tmp_path: Path, database_url: str) -> None:
    """On SQLite and on PostgreSQL: nothing of it is lost, and the audit log still ends where it ended."""
    config, export, again = configured(tmp_path), tmp_path / "export.jsonl", tmp_path / "again.jsonl"
    export.write_text(text_of("export.jsonl.gz"), encoding="utf-8")
    status, out = await cmbot(config, "import", str(export), CMBOT_STORE_URL=database_url)
    assert status == 0, out
    status, out = await cmbot(config, "audit", "verify", "--head", HEAD, CMBOT_STORE_URL=database_url)
    assert status == 0, out
    status, out = await cmbot(config, "export", str(again), CMBOT_STORE_URL=database_url)
    assert status == 0, out
    counts = json.loads(again.read_text().partition("\n")[0])["counts"]
    # Tables of later revisions are empty.
    assert counts == {**dict.fromkeys(counts, 0), **lines_of("export.jsonl.gz")[0]["counts"]}


async def test_migrated_database_lists_its_replicas(tmp_path: Path) -> None:
    """The recorded process is dead, so the command reports that no cluster is watched."""
    config = configured(tmp_path)
    restored(tmp_path)
    assert (await cmbot(config, "migrate"))[0] == 0
    status, out = await cmbot(config, "replicas")
    assert (status, "Traceback" in out) == (1, False), out
    assert "cmbot: " not in out


@pytest.mark.parametrize("kind", ["log_events", "metrics"])
def test_removed_names_are_in_the_changelog(kind: str) -> None:
    """CHANGELOG maps each removed log or metric name to its new one."""
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "bot").rglob("*.py"))
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    gone = [name for name in NAMES[kind] if not re.search(rf'"{re.escape(name)}(_total)?"', sources)]
    assert [name for name in gone if f"`{name}`" not in changelog] == []


def test_record_has_no_secret() -> None:
    """The record has only simulated tokens and no path of the recording machine."""
    files = [path.name for path in FIXTURES.iterdir() if path.name != "README.md"]
    whole = "".join(text_of(name) for name in files)
    assert not re.findall(r"xox[a-z]-(?!local)|/tmp/|/home/|/root/", whole)

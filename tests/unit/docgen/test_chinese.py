"""Chinese pages name the English commit that they follow; what lags behind is reported."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docgen.chinese import FOLDER, ROOT, Follows, Lag, follows, has_history, is_known, lacking, lag, pages, report

NAMES = ("alerts.md", "approvals.md", "commands.md", "configuration.md", "quickstart.md")


def text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def test_the_pages_are_there_and_linked() -> None:
    assert [page.name for page in pages()] == list(NAMES)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "docs/zh/quickstart.md" in readme
    assert all(f"({name})" in text("quickstart.md") for name in NAMES if name != "quickstart.md")


@pytest.mark.parametrize("name", NAMES)
def test_page_names_a_known_commit(name: str, record_property: Callable[[str, str], None]) -> None:
    """What lags behind is recorded, and no failure: `make docs-zh` lists it."""
    each = follows(FOLDER / name)
    if not has_history():
        pytest.skip("no whole history here: an export or a shallow clone")
    assert is_known(each.commit), f"{each.page} follows {each.commit}, which is no commit of this history"
    record_property("lag", "\n".join(report([lag(each)])))


def test_report_names_what_a_page_lacks(tmp_path: Path) -> None:
    """A new rule, command or setting that is not translated yet; it fails no test."""
    (tmp_path / "docs" / "zh").mkdir(parents=True)
    whole = {name: text(name) for name in ("alerts.md", "commands.md", "configuration.md")}
    whole["alerts.md"] = whole["alerts.md"].replace("### disk_broken\n", "### disk_brokn\n")
    whole["commands.md"] = whole["commands.md"].replace("| `/cm members", "| `/cm peers")
    whole["configuration.md"] = whole["configuration.md"].replace("`log_level`", "`level`")
    lacks = {}
    for name, written in whole.items():
        (tmp_path / "docs" / "zh" / name).write_text(written, encoding="utf-8")
        (tmp_path / "docs" / name).write_text((ROOT / "docs" / name).read_text(encoding="utf-8"), encoding="utf-8")
        lacks[name] = lacking(follows(tmp_path / "docs" / "zh" / name, tmp_path), tmp_path)
    assert "disk_broken" in lacks["alerts.md"]
    assert "/cm members" in lacks["commands.md"]
    assert "log_level" in lacks["configuration.md"]


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(  # noqa: S603 - fixed words, no shell
        ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *words],  # noqa: S607 - git of the path
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def repository(root: Path) -> str:
    """A repository with one English page; returns its first commit."""
    (root / "docs" / "zh").mkdir(parents=True)
    (root / "docs" / "a.md").write_text("one\n")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "one")
    return git(root, "rev-parse", "HEAD")


def chinese(root: Path, commit: str, english: str = "../a.md") -> Path:
    page = root / "docs" / "zh" / "a.md"
    page.write_text(f"本页对应英文文档 [docs/a.md]({english})\uff0c提交 `{commit}`\n", encoding="utf-8")
    return page


def test_lag_lists_the_commits_since(tmp_path: Path) -> None:
    first = repository(tmp_path)
    each = follows(chinese(tmp_path, first), tmp_path)
    assert each == Follows("docs/zh/a.md", "docs/a.md", first)
    assert has_history(tmp_path)
    assert is_known(first, tmp_path)
    assert [*report([lag(each, tmp_path)])] == [f"docs/zh/a.md: up to date (docs/a.md since {first[:12]})"]
    (tmp_path / "docs" / "a.md").write_text("two\n")
    git(tmp_path, "commit", "-qam", "two")
    behind = lag(each, tmp_path)
    assert next(report([behind])).startswith("docs/zh/a.md: 1 commit behind")
    assert behind.commits[0].endswith(" two")


def test_unknown_commit_and_missing_front_line_are_refused(tmp_path: Path) -> None:
    repository(tmp_path)
    assert not is_known("1" * 40, tmp_path)
    page = chinese(tmp_path, "123")
    with pytest.raises(ValueError, match="names no English page and commit"):
        follows(page, tmp_path)
    with pytest.raises(ValueError, match="is no page"):
        follows(chinese(tmp_path, "1" * 40, "../b.md"), tmp_path)


def test_export_without_history_knows_no_lag(tmp_path: Path) -> None:
    (tmp_path / "docs" / "zh").mkdir(parents=True)
    (tmp_path / "docs" / "a.md").write_text("one\n")
    each = follows(chinese(tmp_path, "1" * 40), tmp_path)
    assert not has_history(tmp_path)
    assert lag(each, tmp_path) == Lag(each, ())
    git(tmp_path, "init", "-q")
    assert has_history(tmp_path)
    assert not has_history(tmp_path / "docs"), "an export inside a clone of something else"

"""The files around the code agree with one another: hooks and targets, versions, the pages for newcomers."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/development.md")
LEAVES_NONE_OUT = {"fast_time"}
"""Marks of tests that every target runs."""
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")


def recipe(target: str) -> list[str]:
    """The commands of a target."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert found, target
    return [line.strip().replace("$(BIN)", ".venv/bin") for line in found[1].splitlines()]


def test_hooks_are_the_commands_of_make_check() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    assert [hook["entry"] for hook in config["repos"][0]["hooks"]] == recipe("check")


def test_every_mark_has_a_target_and_ci_runs_it() -> None:
    """What takes long is run before a release; `.ci/run` has a limit of its time."""
    marks = {line.split(":")[0] for line in PYPROJECT["tool"]["pytest"]["ini_options"]["markers"]} - LEAVES_NONE_OUT
    left_out = re.search(r"^MARKED := (.*)$", MAKEFILE, re.MULTILINE)
    assert left_out
    assert set(left_out[1].split(" or ")) == marks
    ci = (ROOT / ".ci/run").read_text(encoding="utf-8")
    for mark in marks - {"browser"}:
        assert re.search(rf"\btest-{mark}\b", MAKEFILE)
    for mark in marks - {"browser", "chaos", "long"}:
        assert re.search(rf"^make\b.* test-{mark}\b", ci, re.MULTILINE), mark
    assert ci.rstrip().endswith("make browser")


def test_pages_name_targets_that_exist() -> None:
    phony = re.search(r"^\.PHONY:((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)
    assert phony
    targets = set(phony[1].replace("\\", "").split())
    for page in PAGES:
        named = set(re.findall(r"(?:`|^ {4})make ([a-z-]+)", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE))
        assert named <= targets, page


def test_page_of_docs_cannot_be_written_by_a_test() -> None:
    with pytest.raises(PermissionError, match="write to tmp_path and compare"):
        (ROOT / "docs" / "new.md").write_text("")
    assert not (ROOT / "docs" / "new.md").exists()


def test_changelog_has_the_form_of_keep_a_changelog() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", heading) for heading in headings[1:])
    assert f"[{PYPROJECT['project']['version']}]" in text
    assert set(re.findall(r"^### (.*)$", text, re.MULTILINE)) <= set(KINDS)


def test_supported_versions_begin_with_the_required_one() -> None:
    versions = [line.rsplit(" ", 1)[1] for line in PYPROJECT["project"]["classifiers"] if ":: 3." in line]
    assert PYPROJECT["project"]["requires-python"] == f">={versions[0]}"
    assert PYPROJECT["tool"]["mypy"]["python_version"] == versions[0]
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{versions[0].replace('.', '')}"
    image = re.findall(r"^FROM python:(\d+\.\d+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(image) <= set(versions)

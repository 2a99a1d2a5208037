"""`make release` refuses a version that is not ready, names every reason, and tags nothing."""

import datetime as dt
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCHEMA = Path("tests/component/store/test_opening.py")
TODAY = dt.datetime.now(dt.UTC).date()
CHANGELOG = f"""# Changelog

## [Unreleased]

## [0.2.0] - {TODAY}

### Added

- Something.

## [0.1.0] - 2025-01-01

### Added

- Everything.
"""
FILES = {
    "Dockerfile": 'LABEL org.opencontainers.image.title="cmbot" \\\n      org.opencontainers.image.version="0.2.0"\n',
    "deploy/kubernetes/sqlite/kustomization.yaml": "images:\n  - name: cmbot\n    newTag: 0.2.0\n",
    "deploy/kubernetes/sqlite/statefulset.yaml": "containers:\n  - image: cmbot:0.2.0\n",
    "docs/running.md": "    docker build -t cmbot:0.2.0 .\n",
    "docs/upgrading.md": "# Upgrade\n\n## To 0.2.0\n\nPaste the manifest.\n\n## To 0.1.0\n\nNothing: cmbot:0.1.0.\n",
    "tests/fixtures/releases/0.1.0.tar.xz": "",
}
IMAGES = [name for name, text in FILES.items() if "0.2.0" in text and name != "docs/upgrading.md"]


class Repository:
    """A git repository that is ready for release 0.2.0."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        (self.folder / ".ci").mkdir()
        (self.folder / SCHEMA).parent.mkdir(parents=True)
        shutil.copy(ROOT / ".ci/release.py", self.folder / ".ci")
        self.write("pyproject.toml", '[project]\nname = "cmbot"\nversion = "0.2.0"\n')
        self.write("CHANGELOG.md", CHANGELOG)
        for name, text in FILES.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            self.write(name, text)
        self.schema(passes=True)
        self.write(".gitignore", "__pycache__/\n")
        self.git("init", "--quiet")
        self.commit()
        self.git("tag", "v0.1.0")
        self.git("tag", "v0.0.9")
        self.git("tag", "vendored")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def replace(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))
        self.commit()

    def schema(self, *, passes: bool) -> None:
        """Stand in for the test that compares the migrations with the schema."""
        name = "test_migrations_create_the_expected_schema"
        self.write(str(SCHEMA), f"def {name}():\n    assert {passes}, 'missing: table sheep'\n")

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-C", str(self.folder), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "change")

    def release(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, ".ci/release.py", *arguments)
        return subprocess.run(command, cwd=self.folder, check=False, capture_output=True, text=True)  # noqa: S603


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ready")
    Repository(folder).fill()
    return folder


@pytest.fixture
def repository(ready: Path, tmp_path: Path) -> Repository:
    return Repository(Path(shutil.copytree(ready, tmp_path / "repository")))


def _later(tag: str) -> Callable[[Repository], None]:
    def tag_it(repository: Repository) -> None:
        repository.write(f"tests/fixtures/releases/{tag[1:]}.tar.xz", "")
        repository.commit()
        repository.git("tag", tag)

    return tag_it


def _without_program(repository: Repository) -> None:
    repository.git("tag", "v0.1.5")


def test_release_of_a_ready_version_prints_its_tag(repository: Repository) -> None:
    result = repository.release("0.2.0")
    assert (result.returncode, result.stderr) == (0, "")
    head = repository.git("rev-parse", "HEAD").strip()
    assert result.stdout.splitlines()[-1] == f"git tag --annotate v0.2.0 --message 'cmbot 0.2.0' {head}"
    assert repository.git("tag", "--list", "v0.2.0") == ""


def _is_dirty(repository: Repository) -> None:
    repository.write("new.txt", "")


def _has_another_schema(repository: Repository) -> None:
    repository.schema(passes=False)
    repository.commit()


REFUSALS: list[tuple[Callable[[Repository], None], str]] = [
    (lambda it: it.replace("pyproject.toml", "0.2.0", "0.1.9"), "pyproject.toml has version 0.1.9: write 0.2.0 there."),
    (_later("v0.2.0"), "0.2.0 is not greater than the newest tag, v0.2.0"),
    (_later("v0.10.0"), "0.2.0 is not greater than the newest tag, v0.10.0"),
    (
        lambda it: it.replace("CHANGELOG.md", "[0.2.0]", "[0.3.0]"),
        f"CHANGELOG.md has no section for 0.2.0: write ## [0.2.0] - {TODAY}.",
    ),
    (lambda it: it.replace("CHANGELOG.md", f" - {TODAY}", ""), "The date of 0.2.0 in CHANGELOG.md is missing"),
    (lambda it: it.replace("CHANGELOG.md", str(TODAY), "soon"), "The date of 0.2.0 in CHANGELOG.md is soon"),
    (lambda it: it.replace("CHANGELOG.md", str(TODAY), "2999-01-01"), "CHANGELOG.md is 2999-01-01"),
    (lambda it: it.replace("CHANGELOG.md", "- Something.\n", ""), "The section of 0.2.0 in CHANGELOG.md lists no"),
    (
        lambda it: it.replace("CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n### Fixed\n\n- A fault.\n"),
        "CHANGELOG.md lists changes under Unreleased: move them to 0.2.0.",
    ),
    (
        lambda it: it.replace("Dockerfile", "0.2.0", "0.1.0"),
        "Dockerfile names the image of version 0.1.0: write 0.2.0 there",
    ),
    (lambda it: it.replace("docs/running.md", "0.2.0", "0.1.0"), "docs/running.md names the image of version 0.1.0"),
    (
        lambda it: it.replace("deploy/kubernetes/sqlite/kustomization.yaml", "0.2.0", "0.1.9"),
        "deploy/kubernetes/sqlite/kustomization.yaml names the image of version 0.1.9",
    ),
    (
        lambda it: it.replace("deploy/kubernetes/sqlite/statefulset.yaml", "0.2.0", "0.1.9"),
        "deploy/kubernetes/sqlite/statefulset.yaml names the image of version 0.1.9",
    ),
    (lambda it: it.replace("docs/upgrading.md", "To 0.2.0", "To 0.2.1"), "docs/upgrading.md has no notes for 0.2.0"),
    (lambda it: it.replace("docs/upgrading.md", "Paste the manifest.", ""), "docs/upgrading.md has no notes for 0.2.0"),
    (_without_program, "tests/fixtures/releases has no program of 0.1.5"),
    (_is_dirty, "The working tree has changes that are not committed (new.txt)"),
    (_has_another_schema, "The migrations do not lead to the schema of bot/store/schema.py"),
]


@pytest.mark.parametrize(("spoil", "reason"), REFUSALS)
def test_release_is_refused_with_its_reason(
    repository: Repository, spoil: Callable[[Repository], None], reason: str
) -> None:
    spoil(repository)
    result = repository.release("0.2.0")
    assert (result.returncode, result.stdout) == (1, "")
    refused = [line for line in result.stderr.splitlines() if line.startswith("refused: ")]
    assert len(refused) == 1
    assert reason in refused[0]


def test_release_names_every_reason_at_once(repository: Repository) -> None:
    repository.replace("pyproject.toml", "0.2.0", "0.1.0")
    _is_dirty(repository)
    refused = repository.release("0.0.1").stderr.splitlines()
    assert len([line for line in refused if line.startswith("refused: ")]) == 4 + len(IMAGES) + 1


@pytest.mark.parametrize(
    "arguments", [(), ("",), ("v1.0.0",), ("1.0",), ("1.0.0rc1",), ("01.0.0",), ("1.0.0", "2.0.0")]
)
def test_release_of_an_unreadable_version_is_refused(repository: Repository, arguments: tuple[str, ...]) -> None:
    result = repository.release(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert "make release VERSION=1.2.3" in result.stderr


def test_schema_check_names_a_test_that_exists() -> None:
    name = "test_migrations_create_the_expected_schema"
    assert f'SCHEMA_TEST = "{SCHEMA}::{name}"' in (ROOT / ".ci/release.py").read_text(encoding="utf-8")
    assert f"async def {name}(" in (ROOT / SCHEMA).read_text(encoding="utf-8")

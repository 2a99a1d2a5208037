"""`make test-all` runs the suite on each Python that it finds, and names each supported version that is not there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROJECT = """[project]
name = "cmbot"
classifiers = [
  "Programming Language :: Python :: 3.13",
  "Programming Language :: Python :: 3.11",
  "Programming Language :: Python :: 3.12",
]
"""
INTERPRETER = """#!/bin/sh
case "$1 $2" in
  "-c "*) echo {version} ;;
  "-m venv") /bin/mkdir -p "$3/bin" && /bin/cp "$0" "$3/bin/python" ;;
  "-m pip") echo "pip $*" >> {log}; exit {pip} ;;
  "-m pytest") echo "{version} $*" >> {log}; exit {pytest} ;;
esac
"""
BROKEN = "#!/bin/sh\necho 'not installed' >&2\nexit 127\n"


class Machine:
    """A checkout, and a folder of PATH with interpreters."""

    def __init__(self, folder: Path) -> None:
        self.checkout, self.path, self.log = folder / "checkout", folder / "bin", folder / "log"
        (self.checkout / ".ci").mkdir(parents=True)
        self.path.mkdir()
        self.log.touch()
        shutil.copy(ROOT / ".ci/pythons.py", self.checkout / ".ci")
        (self.checkout / "pyproject.toml").write_text(PROJECT)
        (self.checkout / "constraints.txt").write_text("pins\n")
        (self.checkout / "Dockerfile").write_text("FROM python:3.13.7-slim-bookworm AS builder\n")

    def install(self, name: str, version: str = "", *, pytest: int = 0, pip: int = 0) -> Path:
        """Put an interpreter into PATH; without a version one that does not run."""
        path = self.path / name
        text = INTERPRETER.format(version=version, log=self.log, pytest=pytest, pip=pip) if version else BROKEN
        path.write_text(text)
        path.chmod(0o755)
        return path

    def run(self, *arguments: str, named: str = "", pyenv: str = "") -> subprocess.CompletedProcess[str]:
        environment = {"PATH": f"/nowhere{os.pathsep}{self.path}", "CMBOT_PYTHONS": named, "PYENV_ROOT": pyenv}
        command = [sys.executable, str(self.checkout / ".ci/pythons.py"), *arguments]
        return subprocess.run(command, env=environment, check=False, capture_output=True, text=True)  # noqa: S603

    def pytest_runs(self) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if not line.startswith("pip")]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_suite_runs_on_each_version_and_missing_ones_are_named(machine: Machine) -> None:
    machine.install("python3.12", "3.12")
    broken = machine.install("python3.13")
    result = machine.run("test", "--", "-m", "not browser")
    assert (result.returncode, result.stderr) == (0, "")
    assert machine.pytest_runs() == ["3.12 -m pytest -m not browser"]
    *_, oldest, middle, newest = result.stdout.splitlines()
    assert oldest == "Python 3.11: not found. Install it, or name its interpreter in CMBOT_PYTHONS."
    assert middle == "Python 3.12: passed."
    assert newest.startswith(f"Python 3.13: not found; {broken} does not run or has no venv module.")


def test_failure_on_one_version_fails_the_run(machine: Machine) -> None:
    machine.install("python3.11", "3.11", pytest=1)
    machine.install("python3.12", "3.12", pip=3)
    machine.install("python3.13", "3.13")
    result = machine.run("test", "--", "tests")
    assert result.returncode == 1
    assert result.stdout.splitlines()[-3:] == [
        "Python 3.11: FAILED (exit status 1 of pytest).",
        "Python 3.12: FAILED: the pinned packages cannot be installed (exit status 3).",
        "Python 3.13: passed.",
    ]


def test_machine_without_any_supported_version_fails(machine: Machine) -> None:
    result = machine.run("test")
    assert result.returncode == 1
    assert result.stdout.count("not found") == 3


def test_file_named_for_another_version_does_not_count(machine: Machine) -> None:
    machine.install("python3.12", "3.11")
    assert "Python 3.12: not found" in machine.run("test").stdout


def test_environment_is_made_again_only_for_other_pins(machine: Machine) -> None:
    machine.install("python3.12", "3.12")
    for pins, installs in (("pins\n", 2), ("pins\n", 2), ("more\n", 4)):
        (machine.checkout / "constraints.txt").write_text(pins)
        machine.run("test")
        assert machine.log.read_text().count("pip -m") == installs


def test_newest_interpreter_of_pyenv_serves_where_its_program_in_path_does_not_run(
    machine: Machine, tmp_path: Path
) -> None:
    machine.install("python3.13")
    for release in ("3.13.9", "3.13.10", "3.12.1"):
        folder = tmp_path / "pyenv/versions" / release / "bin"
        folder.mkdir(parents=True)
        minor = release.rpartition(".")[0]
        machine.install(f"python{minor}", minor).rename(folder / f"python{minor}")
    result = machine.run("find", "3.13", pyenv=str(tmp_path / "pyenv"))
    assert result.stdout.strip() == str(tmp_path / "pyenv/versions/3.13.10/bin/python3.13")


def test_variable_goes_before_path(machine: Machine) -> None:
    machine.install("python3.12", "3.12")
    named = machine.install("mine", "3.12")
    result = machine.run("find", "3.12", named=str(named))
    assert (result.returncode, result.stdout.strip()) == (0, str(named))


@pytest.mark.parametrize(("version", "state"), [("", "does not run or has no venv module"), ("3.9", "is Python 3.9")])
def test_variable_that_names_no_supported_interpreter_is_refused(machine: Machine, version: str, state: str) -> None:
    named = machine.install("mine", version)
    result = machine.run("test", named=str(named))
    assert result.returncode == 2
    assert result.stderr == f"CMBOT_PYTHONS names {named}, which {state}: name interpreters of 3.11, 3.12, 3.13.\n"


def test_image_is_the_version_of_the_dockerfile(machine: Machine) -> None:
    for version in ("3.11", "3.12", "3.13"):
        machine.install(f"python{version}", version)
    assert machine.run("test", "--only", "image", "--", "tests/unit").returncode == 0
    assert machine.pytest_runs() == ["3.13 -m pytest tests/unit"]


def test_missing_image_version_is_named_without_failing(machine: Machine) -> None:
    result = machine.run("test", "--only", "image")
    assert result.returncode == 0
    assert result.stdout.splitlines()[-1].startswith("Python 3.13: not found.")


def test_find_oldest_prints_its_path_or_fails(machine: Machine) -> None:
    refused = machine.run("find", "oldest")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("Python 3.11: not found.")
    path = machine.install("python3.11", "3.11")
    assert machine.run("find", "oldest").stdout == f"{path}\n"


def test_unsupported_version_is_refused(machine: Machine) -> None:
    result = machine.run("find", "3.9")
    assert result.returncode == 2
    assert result.stderr == "Python 3.9 is not supported: choose oldest, image, 3.11, 3.12, 3.13.\n"

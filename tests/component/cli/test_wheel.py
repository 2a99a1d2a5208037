"""The wheel: production code without the simulators, and what its `cmbot demo` says."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bot.cli.commands import NO_PLAYGROUND

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the content of a freshly built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "--wheel-dir", str(folder), str(ROOT)], check=True)  # noqa: S603 - fixed arguments
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def cmbot(installed: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run the wheel's command line with the packages of this environment."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(  # noqa: S603 - fixed arguments
        [sys.executable, "-m", "bot", *args],
        cwd=installed,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_wheel_holds_the_program_and_its_migrations_only(installed: Path) -> None:
    files = {str(path.relative_to(installed)) for path in installed.rglob("*.py")}
    expected = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "bot").rglob("*.py")
        if "playground" not in path.parts and path.name != "demo_history.py"
    }
    assert files == expected
    assert not (installed / "bot" / "playground").exists()


def test_demo_of_the_wheel_names_the_checkout(installed: Path) -> None:
    answer = cmbot(installed, "demo")
    assert answer.returncode == 2
    assert " ".join(answer.stderr.split()) == f"cmbot: {NO_PLAYGROUND}"
    assert answer.stdout == ""


def test_wheel_command_line_starts(installed: Path) -> None:
    assert cmbot(installed, "--version").returncode == 0

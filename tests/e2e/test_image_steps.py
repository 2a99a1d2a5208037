"""The steps of the Dockerfile, executed in order in a clean root; then what the image runs.

The Python is that of the image's version where this machine has it, else that of the tests. A builder of images is not
needed; what only it can do (another user, another root) is checked by its form in tests/unit/repository/test_image.py.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.dockerfile import Build, Stage

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]


def python() -> Path:
    command = [sys.executable, str(ROOT / ".ci/pythons.py"), "find", "image"]
    found = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    return Path(found.stdout.strip() if found.returncode == 0 else sys.executable)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Build(tmp_path_factory.mktemp("image"), ROOT, python()).final(ROOT / "Dockerfile")


def megabytes(folder: Path) -> float:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / 1e6


def test_image_has_the_program_without_tools_and_simulators(image: Stage) -> None:
    [packages] = image.root.glob("opt/cmbot/lib/python*/site-packages")
    names = {re.sub(r"-\d.*", "", path.name) for path in packages.glob("*.dist-info")}
    assert {"cmbot", "slack_bolt", "asyncpg"} <= names
    assert not {"pip", "setuptools", "hatchling", "pytest", "ruff"} & names
    assert not (packages / "bot/playground").exists()
    assert [*packages.rglob("__pycache__/database.*.pyc")], "compiled at the build: the root may be read-only"
    assert {path.name for path in image.root.iterdir()} == {"opt", "var"}


def test_entry_point_is_the_program(image: Stage) -> None:
    answered = image.run([*image.entry, "--version"])
    assert (answered.returncode, answered.stderr) == (0, "")
    assert answered.stdout.startswith("cmbot ")
    assert image.command == ["run"]


def test_container_without_settings_says_what_to_do(image: Stage) -> None:
    answered = image.run([*image.entry, *image.command])
    assert answered.returncode == 1
    assert "etc/cmbot/config.yaml" in answered.stderr
    assert "Traceback" not in answered.stderr


def test_health_check_finds_no_server_in_one_line(image: Stage, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text('clusters: [{name: prod, hosts: ["127.0.0.1:1"], alert_channel: C0STORAGE}]\nhttp: {port: 1}\n')
    answered = image.run(image.health, CMBOT_CONFIG=str(config))
    assert (answered.returncode, answered.stdout.count("\n")) == (1, 1)
    assert answered.stdout.startswith("no answer from 0.0.0.0:1 "), "the address that the image listens on"


def test_size_is_that_of_the_manual(image: Stage) -> None:
    page = (ROOT / "docs/running.md").read_text(encoding="utf-8")
    stated = re.search(r"adds about (\d+) MB to its base", page)
    assert stated
    assert megabytes(image.root / "opt/cmbot") == pytest.approx(int(stated[1]), rel=0.1)

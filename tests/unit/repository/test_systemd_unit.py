"""The unit of deploy/systemd: hardened, in agreement with the program, and without an error for systemd."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.config import Secrets
from bot.runtime.file_limit import ENOUGH
from bot.runtime.signals import END_SECONDS
from tests.support.debian import unpack

ROOT = Path(__file__).parents[3]
UNIT = ROOT / "deploy/systemd/cmbot.service"
TEXT = UNIT.read_text(encoding="utf-8")
RUNNING = (ROOT / "docs/running.md").read_text(encoding="utf-8")


def values(key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", TEXT, re.MULTILINE)


def test_unit_runs_the_installed_program_within_its_times() -> None:
    assert values("ExecStart") == ["/opt/cmbot/venv/bin/cmbot run"]
    [variable] = values("Environment")
    assert variable.partition("=")[0].lower() in Secrets.model_fields
    assert int(values("TimeoutStopSec")[0]) > END_SECONDS + 5
    assert values("LimitNOFILE") == [str(ENOUGH)]


def test_unit_needs_no_privilege() -> None:
    assert values("CapabilityBoundingSet") == [""]
    for key in ("NoNewPrivileges", "PrivateDevices", "MemoryDenyWriteExecute", "ProtectHome", "RestrictNamespaces"):
        assert values(key) == ["yes"], key
    assert values("ProtectSystem") == ["strict"]
    assert values("User") == ["cmbot"]


def test_manual_points_to_the_unit_and_repeats_nothing_of_it() -> None:
    assert "(../deploy/systemd/cmbot.service)" in RUNNING
    assert "[Service]" not in RUNNING


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze: that of this machine, else that of Debian's packages."""
    program, environment = shutil.which("systemd-analyze"), {}
    if program is None:
        program = str(unpack("systemd") / "bin/systemd-analyze")
        libraries = [folder for name in ("systemd", "libsystemd-shared") for folder in unpack(name).rglob("systemd")]
        environment = {"LD_LIBRARY_PATH": ":".join(map(str, libraries))}
    return subprocess.run([program, *words], capture_output=True, text=True, check=False, env=environment or None)  # noqa: S603


@pytest.mark.system
def test_score_is_that_of_the_manual() -> None:
    stated = re.search(r"`systemd-analyze security` gives it (\d+\.\d)", RUNNING)
    assert stated
    answered = analyze("security", "--offline=true", "--threshold=20", str(UNIT))
    assert answered.returncode == 0, answered.stdout
    score = re.search(r"Overall exposure level for cmbot\.service: (\d+\.\d)", answered.stdout)
    assert score, answered.stdout + answered.stderr
    # Another release of systemd may know one more limit.
    assert float(score[1]) == pytest.approx(float(stated[1]), abs=0.2)


@pytest.mark.system
def test_systemd_understands_every_line() -> None:
    """The only thing that it misses here is the program in /opt."""
    answered = analyze("verify", "--man=no", str(UNIT))
    lines = [line for line in answered.stderr.splitlines() if "cmbot.service" in line]
    assert [line for line in lines if "/opt/cmbot/venv/bin/cmbot is not executable" not in line] == []

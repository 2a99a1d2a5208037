"""SIGTERM and SIGINT while `cmbot run` still loads modules end it in order, also in a container; SIGHUP does not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

STOPPED = """
import os, signal, sys

class Stop:
    \"\"\"Sends the signal when the program begins to load its commands.\"\"\"

    def find_spec(self, name, *_):
        if name in ("bot.cli.commands", "bot.cli.running"):
            os.kill(os.getpid(), signal.{})

# `nohup make test` lets every process ignore it.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Stop())
"""


def stopped(folder: Path, *words: str, first: tuple[str, ...] = (), by: str = "SIGTERM") -> int:
    """Run cmbot, which gets a signal while it loads; its exit status. It shows no traceback."""
    (folder / "sitecustomize.py").write_text(STOPPED.format(by))
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{Path(__file__).parents[3]}"}
    command = [*first, sys.executable, "-m", "bot", *words]
    ended = subprocess.run(command, env=environment, cwd=folder, check=False, capture_output=True)  # noqa: S603
    assert b"Traceback" not in ended.stderr
    return ended.returncode


@pytest.mark.parametrize("by", ["SIGTERM", "SIGINT"])
def test_run_ends_with_success(tmp_path: Path, by: str) -> None:
    assert stopped(tmp_path, "run", by=by) == 0


def test_other_commands_are_ended_by_the_signal(tmp_path: Path) -> None:
    assert stopped(tmp_path, "migrate") == -15


def test_other_commands_that_are_interrupted_say_nothing(tmp_path: Path) -> None:
    assert stopped(tmp_path, "migrate", by="SIGINT") == 130


def test_run_outlives_a_hangup(tmp_path: Path) -> None:
    """It goes on as far as the file of settings, which is not there."""
    assert stopped(tmp_path, "run", by="SIGHUP") == 1
    assert stopped(tmp_path, "migrate", by="SIGHUP") == -1


IN_CONTAINER = ("unshare", "--user", "--map-root-user", "--pid", "--fork")
"""The command becomes the first process of a new namespace, as in a container."""


@pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run([*IN_CONTAINER, "true"], check=False, capture_output=True).returncode != 0,  # noqa: S603
    reason="this machine lets no process make a namespace",
)
@pytest.mark.parametrize(
    ("command", "by", "status"),
    [("run", "SIGTERM", 0), ("migrate", "SIGTERM", 143), ("run", "SIGINT", 0), ("migrate", "SIGINT", 130)],
)
def test_first_process_of_a_container_is_ended(tmp_path: Path, command: str, by: str, status: int) -> None:
    assert stopped(tmp_path, command, first=IN_CONTAINER, by=by) == status

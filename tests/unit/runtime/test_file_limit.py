"""The limit of open files, in a separate process: lowering the hard limit cannot be undone."""

import subprocess
import sys

import pytest
from structlog.testing import capture_logs

from bot.runtime.file_limit import ENOUGH, raise_file_limit

_SCRIPT = """
import resource, sys
from bot.runtime.file_limit import raise_file_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
raise_file_limit()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(("soft", "hard"), [(128, 512), (256, 256)])
def test_soft_limit_of_open_files_is_raised_to_the_hard_limit(soft: int, hard: int) -> None:
    command = [sys.executable, "-c", _SCRIPT, str(soft), str(hard)]
    ended = subprocess.run(command, capture_output=True, check=True, text=True)  # noqa: S603 - this file's script
    assert ended.stdout.split() == [str(hard)] * 2


def test_hard_limit_above_enough_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr("resource.getrlimit", lambda _: (1024, ENOUGH * 16))
    monkeypatch.setattr("resource.setrlimit", lambda what, limits: asked.append((what, limits)))
    raise_file_limit()
    assert [limits for _, limits in asked] == [(ENOUGH, ENOUGH * 16)]


def test_system_that_refuses_a_higher_limit_keeps_the_program_running(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr("resource.getrlimit", lambda _: (1024, ENOUGH))
    monkeypatch.setattr("resource.setrlimit", refuse)
    with capture_logs() as logged:
        raise_file_limit()
    assert [(line["event"], line["limit"]) for line in logged] == [("start.file_limit", 1024)]

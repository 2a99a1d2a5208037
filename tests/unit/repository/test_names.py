"""The house: no loose and no long module in bot/, one class for one name, every package on the map."""

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[3]
BOT = ROOT / "bot"
MAX_LINES = 400
SHARED: dict[str, str] = {}
"""Class names that may stand for two things, each with its reason."""


def test_bot_has_no_loose_module() -> None:
    assert {path.name for path in BOT.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_no_module_of_bot_is_long() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): path.read_bytes().count(b"\n") for path in BOT.rglob("*.py")}
    assert len(lengths) > 1
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_class_name_stands_for_one_thing() -> None:
    defined = defaultdict(list)
    for path in BOT.rglob("*.py"):
        if "playground" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef) and node.name not in SHARED:
                    defined[node.name].append(path.relative_to(ROOT).as_posix())
    assert len(defined) > 1
    assert {name: places for name, places in defined.items() if len(places) > 1} == {}


def test_architecture_names_packages_and_modules_that_exist() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    packages = {path.name for path in BOT.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert packages - set(re.findall(r"^\| `([a-z_]+)`", page, flags=re.MULTILINE)) == set()
    modules = re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|md)|(?:bot|docs|tests)/(?:[a-z_]+/)*)`", page)
    assert modules
    assert [name for name in modules if not ((BOT / name).exists() or (ROOT / name).exists())] == []


BROAD = {
    "bot/chatops/dispatcher.py": "the person who typed gets an answer",
    "bot/cli/agents/calls.py": "the agent that asked gets an answer",
    "bot/delivery/worker.py": "a fault of one message must not end the outbox",
    "bot/runtime/program.py": "the program goes on with the old settings",
    "bot/runtime/reload.py": "the program goes on with the old settings",
    "bot/store/session.py": "rolls back, and raises again",
    "bot/store/sqlite_connection.py": "the caller in the event loop gets it, from the thread of the connection",
    "bot/telemetry/otel.py": "names the error in the span, and raises again",
    "bot/watch/watcher.py": "a fault of a poll must not end the watch",
}
"""Modules that may catch every error once, each with its reason; the playground is no part of the program."""


def test_only_named_modules_catch_every_error() -> None:
    found: dict[str, int] = defaultdict(int)
    for path in BOT.rglob("*.py"):
        if "playground" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ExceptHandler) and _is_broad(node.type):
                    found[path.relative_to(ROOT).as_posix()] += 1
    assert found == dict.fromkeys(BROAD, 1)


def _is_broad(caught: ast.expr | None) -> bool:
    return caught is None or (isinstance(caught, ast.Name) and caught.id in {"Exception", "BaseException"})

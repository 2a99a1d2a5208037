"""Problems: each kind has words and a sample in the phrasebook, and no layer below the views writes them itself."""

import ast
import copy
import importlib
import pickle
import pkgutil
from collections.abc import Iterator
from enum import Enum
from html import unescape
from pathlib import Path

import pytest

import bot
from bot.common.errors import NotAllowed, Problem, Refused, UserError
from bot.operations.decisions import Lacking, OperationRefusal
from bot.operations.policy import LackReason, Refusal
from bot.operations.request_problems import AddressFault, AddressKind, BadAddress, PeerIdUse, ReplacesItself
from bot.views.errors import error_text, sentence
from bot.views.problem_text.table import PROBLEMS, problem_text
from tests.docgen.phrasebook.problems import PROBLEMS as SAMPLES

ROOT = Path(bot.__file__).parent
BASES = {Problem, Refusal, OperationRefusal}
"""Classes that only their subclasses use."""
WORDLESS = (
    "alerting", "audit", "clustermgr", "common", "config", "interactions", "leadership", "operations", "permissions",
    "store", "telemetry", "views", "watch", "workflow",
)  # fmt: skip
"""Packages that raise a problem, never a sentence for a person."""


def kinds() -> Iterator[type[Problem]]:
    """Yield every kind of problem that a module of the program defines."""
    for module in pkgutil.walk_packages([str(ROOT)], "bot."):
        if not module.name.startswith(("bot.playground", "bot.store.migrations", "bot.__main__", "bot.cli.demo")):
            for found in vars(importlib.import_module(module.name)).values():
                if isinstance(found, type) and issubclass(found, Problem):
                    yield found


def test_every_kind_of_problem_has_words_and_a_sample() -> None:
    found = set(kinds()) - BASES
    assert found == set(PROBLEMS)
    assert found == {type(problem) for problem in SAMPLES}


@pytest.mark.parametrize(
    "kind", [AddressFault, AddressKind, PeerIdUse, LackReason, Lacking], ids=lambda kind: kind.__name__
)
def test_every_variant_of_a_problem_has_a_sample(kind: type[Enum]) -> None:
    shown = "\n".join(map(repr, SAMPLES))
    assert [member for member in kind if repr(member) not in shown] == []


@pytest.mark.parametrize("problem", SAMPLES, ids=repr)
def test_words_of_a_problem_are_one_line(problem: Problem) -> None:
    words = problem_text(problem)
    assert words
    assert words.isprintable()
    assert unescape(sentence(Refused(problem)).text) == words


def test_refused_error_renders_words_and_names_its_problem() -> None:
    error = Refused(ReplacesItself(3)).at("new")
    assert error_text(error) == "Peer 3 cannot replace itself: give the new node another id."
    assert str(error) == "ReplacesItself(peer=3)"
    assert error_text(UserError("Say x.")) == "Say x."


@pytest.mark.parametrize("kind", [Refused, NotAllowed])
def test_refused_error_survives_copies(kind: type[Refused]) -> None:
    error = kind(BadAddress(AddressKind.RAFT, AddressFault.PORT, "cm4:0")).at("host")
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - our own bytes
        assert (type(twin), twin.problem, twin.argument) == (kind, error.problem, "host")


@pytest.mark.parametrize("package", WORDLESS)
def test_no_package_below_chatops_raises_a_sentence(package: str) -> None:
    calls = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "UserError"
    ]
    assert calls == []

"""`frozen` makes values: with slots, a hash and equality by their fields, which the type checker lets no one set."""

import copy
import pickle
from dataclasses import field, fields, replace
from pathlib import Path

import bot
from bot.common.frozen import frozen


@frozen
class Point:
    """Two numbers and a list."""

    x: int
    y: int = 0
    seen: list[int] = field(default_factory=list, compare=False)


@frozen
class Named(Point):
    """A point with a name."""

    name: str = ""


def test_equal_fields_make_equal_values_of_one_class() -> None:
    assert Point(1) == Point(1, 0, [7])
    assert len({Point(1), Point(1), Point(2)}) == 2
    assert Named(1) != Point(1)
    assert replace(Named(1, name="a"), x=2) == Named(2, name="a")
    assert [each.name for each in fields(Named)] == ["x", "y", "seen", "name"]


def test_values_have_no_dict() -> None:
    assert not hasattr(Named(1), "__dict__")


def test_values_are_copied_and_pickled() -> None:
    value = Named(1, 2, [3], "a")
    for other in (copy.deepcopy(value), pickle.loads(pickle.dumps(value))):  # noqa: S301 - our own
        assert other == value
        assert other.seen == [3]


def test_only_the_type_checker_refuses_a_change() -> None:
    value = Point(1)
    value.x = 2  # type: ignore[misc] # `make check` fails if this comment is not needed
    assert value == Point(2)


def test_program_makes_its_values_so() -> None:
    """The playground, which imports nothing of the program, has the slower way."""
    folder = Path(bot.__file__).parent
    others = set(folder.rglob("*.py")) - set(folder.joinpath("playground").rglob("*.py"))
    assert [path for path in others if "@dataclass(frozen=True, slots=True" in path.read_text("utf-8")] == []

"""The memory of details: newest answers only, rendered when they are asked for."""

from bot.chatops.modal_answer import DetailsMemory
from bot.interactions.command import Details
from bot.interactions.message import Message
from bot.views.blocks import message


def details(key: str, rendered: list[str]) -> Details:
    """Details that record when they are rendered."""

    def render() -> Message:
        rendered.append(key)
        return message(f"all of {key}")

    return Details(key, render)


def test_details_are_rendered_once_and_only_when_asked_for() -> None:
    memory, rendered = DetailsMemory(), list[str]()
    memory.keep(details("a", rendered))
    assert rendered == []
    for _ in range(2):
        found = memory.recall("a")
        assert found is not None
        assert found.text == "all of a"
    assert rendered == ["a"]
    assert memory.recall("b") is None


def test_the_oldest_details_are_forgotten() -> None:
    memory = DetailsMemory(most=2)
    for key in ("a", "b", "a", "c"):
        memory.keep(details(key, []))
    assert memory.recall("b") is None
    assert memory.recall("a") is not None
    assert memory.recall("c") is not None
    memory.keep(details("d", []))
    assert memory.recall("a") is None

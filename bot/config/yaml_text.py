"""Read YAML safely: no objects, no deep nesting, no key twice."""

import re
from collections import Counter
from collections.abc import Hashable
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.constructor import ConstructorError, SafeConstructor
from yaml.reader import Reader

from bot.common.secret_signs import named

_MAX_DEPTH = 50
"""Maximum depth of nested lists and mappings; the settings need six."""
_UNLIKE = re.compile(rf"[\t?!%|>\ufeff]|{Reader.NON_PRINTABLE.pattern}")
"""Characters of texts that libyaml reads and PyYAML refuses, or that it cannot read, such as tags and block texts."""


def read_yaml(text: str) -> Any:
    """Return the value of the one document in the text.

    libyaml, which takes a quarter of the time, reads what PyYAML itself reads, and errors are those of PyYAML. Raises
    YAMLError, and RecursionError if the text is nested too deeply.
    """
    if yaml.__with_libyaml__ and _UNLIKE.search(text) is None:
        try:
            return yaml.load(text, Loader=_FastLoader)  # noqa: S506 - it constructs as a SafeLoader
        except (yaml.YAMLError, ValueError, OverflowError):
            # Read it again for the error.
            pass
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a SafeLoader
    except (ValueError, OverflowError) as error:
        # The library passes on errors of Python, for instance for an escape of a character that does not exist.
        raise yaml.YAMLError("a character or a number in it does not exist") from error


class _Checks(Composer, SafeConstructor):
    """Refuses deep nesting, and duplicate keys, of which YAML would keep only the last.

    An error of Python becomes a ConstructorError.
    """

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise RecursionError
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, LookupError, AttributeError, OverflowError) as error:
            # The library passes on errors of Python, for instance for a date that does not exist.
            raise ConstructorError(
                None, None, "a value is not what it looks like; put it into quotes", node.start_mark
            ) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key, count in Counter(key for key in keys if isinstance(key, Hashable)).items():
            if count > 1:
                raise ConstructorError(None, None, f"the key {named(repr(key))} is given twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)


class _Loader(_Checks, yaml.SafeLoader):
    def fetch_flow_collection_start(self, token_class: type[yaml.Token]) -> None:
        # The scanner runs ahead of the composer, and its cost grows with the square of the depth.
        if self.flow_level > _MAX_DEPTH:
            raise RecursionError
        super().fetch_flow_collection_start(token_class)


if yaml.__with_libyaml__:

    class _FastLoader(_Checks, yaml.CSafeLoader):
        """Scans and parses with libyaml; the rest is that of _Loader."""

        def __init__(self, stream: str) -> None:
            yaml.CSafeLoader.__init__(self, stream)
            Composer.__init__(self)

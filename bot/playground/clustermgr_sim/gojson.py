"""JSON as Go's encoding/json reads and writes it, with the same error texts."""

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_SPACE = " \t\r\n"
_LITERALS = {"t": "true", "f": "false", "n": "null"}
_ESCAPES = '"\\/bfnrt'
_HEX_DIGITS = 4
_MAX_DEPTH = 200


class GoJsonError(Exception):
    """An error of encoding/json; `str()` is its text."""


@dataclass(frozen=True, slots=True)
class Value:
    """A parsed value: `kind` is Go's name of it, `raw` its text, `items` the (key, value) pairs of an object."""

    kind: str
    raw: str = ""
    items: tuple[tuple[str, "Value"], ...] = ()


def dumps(value: Any) -> str:
    """Compact JSON as Go's json.Marshal writes it: `<`, `>` and `&` are escaped by their code points."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def parse(body: bytes) -> Value:
    """The one value in `body`; raises GoJsonError."""
    scanner = _Scanner(body.decode("utf-8", "replace"))
    value = scanner.value()
    scanner.skip_space()
    if scanner.at < len(scanner.text):
        scanner.reject("after top-level value")
    return value


def _quoted(char: str) -> str:
    special = {"'": r"'\''", '"': "'\"'"}
    return special.get(char) or f"'{json.dumps(char, ensure_ascii=False)[1:-1]}'"


class _Scanner:
    """A recursive descent through `text`; `at` is the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def skip_space(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in _SPACE:
            self.at += 1

    def peek(self) -> str:
        if self.at >= len(self.text):
            raise GoJsonError("unexpected end of JSON input")
        return self.text[self.at]

    def reject(self, where: str) -> NoReturn:
        raise GoJsonError(f"invalid character {_quoted(self.peek())} {where}")

    def value(self) -> Value:
        self.skip_space()
        char = self.peek()
        if char in "{[":
            return self._nested(char)
        if char == '"':
            return Value("string", self._string())
        if char in _LITERALS:
            return self._literal(_LITERALS[char])
        return self._number()

    def _nested(self, char: str) -> Value:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise GoJsonError("exceeded max depth")
        value = self._object() if char == "{" else self._array()
        self.depth -= 1
        return value

    def _literal(self, word: str) -> Value:
        for expected in word:
            if self.peek() != expected:
                self.reject(f"in literal {word} (expecting '{expected}')")
            self.at += 1
        return Value("null" if word == "null" else "bool", word)

    def _number(self) -> Value:
        found = _NUMBER.match(self.text, self.at)
        if found is None:
            if self.peek() == "-":
                self.at += 1
                self.reject("in numeric literal")
            self.reject("looking for beginning of value")
        self.at = found.end()
        return Value("number", found.group())

    def _string(self) -> str:
        start = self.at
        self.at += 1
        while self.peek() != '"':
            if self.peek() < " ":
                self.reject("in string literal")
            if self.peek() == "\\":
                self._escape()
            self.at += 1
        self.at += 1
        text: str = json.loads(self.text[start : self.at])
        return text

    def _escape(self) -> None:
        self.at += 1
        if self.peek() != "u":
            if self.peek() not in _ESCAPES:
                self.reject("in string escape code")
            return
        for _ in range(_HEX_DIGITS):
            self.at += 1
            if self.peek() not in "0123456789abcdefABCDEF":
                self.reject("in \\u hexadecimal character escape")

    def _array(self) -> Value:
        self.at += 1
        self.skip_space()
        if self.peek() == "]":
            self.at += 1
            return Value("array")
        while True:
            self.value()
            self.skip_space()
            if self.peek() not in ",]":
                self.reject("after array element")
            self.at += 1
            if self.text[self.at - 1] == "]":
                return Value("array")

    def _object(self) -> Value:
        self.at += 1
        items: list[tuple[str, Value]] = []
        self.skip_space()
        if self.peek() == "}":
            self.at += 1
            return Value("object")
        while True:
            items.append(self._pair())
            self.skip_space()
            if self.peek() not in ",}":
                self.reject("after object key:value pair")
            self.at += 1
            if self.text[self.at - 1] == "}":
                return Value("object", items=tuple(items))

    def _pair(self) -> tuple[str, Value]:
        self.skip_space()
        if self.peek() != '"':
            self.reject("looking for beginning of object key string")
        key = self._string()
        self.skip_space()
        if self.peek() != ":":
            self.reject("after object key")
        self.at += 1
        return key, self.value()

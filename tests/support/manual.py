"""What the pages of the manual tell people to type and to set: commands, settings, command lines, metrics."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
MANUAL = (ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md")))
OF_PROGRAMMERS = frozenset({"architecture.md", "development.md"})
"""Pages that describe the source, not how to use the program."""
_FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+)`")
_COMMAND_LINE = re.compile(r"^(?:    |> )?(/cm(?: .*)?)$", re.MULTILINE)
_METRIC = re.compile(r"\bcmbot_[a-z_]*[a-z]\b")
_OPTIONAL = re.compile(r"\s*\[[^\]]*\]")
_PLACE = re.compile(r"^<?[A-Za-z_. :-]+…?>?$")


@dataclass(frozen=True, slots=True)
class Written:
    """Something that a page tells people: the page's name, and the text."""

    page: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}: {self.text}"


def commands(pages: Sequence[Path] = MANUAL) -> list[Written]:
    """Every `/cm …` of the pages, once a page: in code of a line, or as an indented line."""
    found: dict[Written, None] = {}
    for page in pages:
        text = page.read_text(encoding="utf-8").replace("\\|", "|")
        inline = [each for each in _INLINE.findall(_FENCED.sub("", text)) if each == "/cm" or each.startswith("/cm ")]
        for line in (*inline, *_COMMAND_LINE.findall(text)):
            found[Written(_name(page), line.strip())] = None
    return list(found)


def is_pattern(line: str) -> bool:
    """True for a grammar such as `/cm op <id>`, false for what can be typed as it stands."""
    return any(mark in line for mark in ("<", "[", "…", "|")) or bool(re.search(r"\b[A-Z]{4,}\b", line))


def typed_forms(line: str) -> list[str]:
    """The words of a grammar without its optional parts, one for each choice of `a|b` words."""
    words = _OPTIONAL.sub("", line).split()
    return [" ".join(choice) for choice in product(*(word.split("|") for word in words))]


def yaml_blocks(pages: Sequence[Path] = MANUAL) -> Iterator[tuple[str, Any]]:
    """Yield (page, content) of every fenced block of YAML."""
    for page in pages:
        for indent, language, block in _FENCED.findall(page.read_text(encoding="utf-8")):
            if language == "yaml":
                lines = [line.removeprefix(indent) for line in block.splitlines()]
                yield _name(page), yaml.safe_load("\n".join(lines))


def inline_settings(pages: Sequence[Path] = MANUAL) -> Iterator[Written]:
    """Yield each `key: value` in code of a line, such as `requester_may: never`."""
    for page in pages:
        text = _FENCED.sub("", page.read_text(encoding="utf-8"))
        for code in _INLINE.findall(text):
            if re.match(r"^[a-z_]+(?:\.[a-z_]+)*: \S", code):
                yield Written(_name(page), code)


def dotted_settings(pages: Sequence[Path] = MANUAL) -> Iterator[Written]:
    """Yield each `section.key` in code of a line, also with `[]`, such as `clusters[].hosts`."""
    for page in pages:
        text = _FENCED.sub("", page.read_text(encoding="utf-8"))
        for code in _INLINE.findall(text):
            if re.fullmatch(r"[a-z_]+(?:\[\])?(?:\.[a-z_]+(?:\[\])?)+", code):
                yield Written(_name(page), code)


def command_lines(pages: Sequence[Path] = MANUAL) -> list[Written]:
    """Every `cmbot …` of the pages, in code of a line or as an indented line."""
    found: dict[Written, None] = {}
    for page in pages:
        text = page.read_text(encoding="utf-8").replace("\\|", "|")
        inline = [each for each in _INLINE.findall(_FENCED.sub("", text)) if each.startswith("cmbot ")]
        lines = re.findall(r"^ {4,}(?:venv/bin/)?(cmbot [a-z].*)$", text, re.MULTILINE)
        for line in (*inline, *lines):
            found[Written(_name(page), re.split(r"\s+#", line)[0].strip())] = None
    return list(found)


def metrics(pages: Sequence[Path] = MANUAL) -> list[Written]:
    """Every metric of cmbot that the pages name."""
    names = {Written(_name(page), name) for page in pages for name in _METRIC.findall(page.read_text(encoding="utf-8"))}
    return sorted(names, key=str)


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()

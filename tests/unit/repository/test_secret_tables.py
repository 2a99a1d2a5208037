"""Both tables of where secrets are name every secret that the program reads, and no variable that it does not read."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.config.secrets import Secrets
from bot.config.section import Section
from bot.config.traces import TraceExport

ROOT = Path(__file__).parents[3]
VARIABLES = {
    name.upper()
    for values in (Secrets, TraceExport)
    for name, field in values.model_fields.items()
    if isinstance(field.default, SecretStr)
}


def sections(of: type[Section]) -> Iterator[type[Section]]:
    """Yield every part of the settings."""
    for part in of.__subclasses__():
        yield part
        yield from sections(part)


KEYS = {
    name
    for part in sections(Section)
    for name in part.model_fields
    if part.__module__.startswith("bot.") and (name.endswith("_env") or name == "key_file")
}
"""Settings that name the variable or the file of a secret."""


def table(page: str) -> str:
    """The rows under the heading."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.search(r"^## Where secrets are\n\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert found, page
    return found[1]


@pytest.mark.parametrize("page", ["SECURITY.md", "docs/security.md"])
def test_table_of_secrets_is_whole(page: str) -> None:
    named = set(re.findall(r"`([A-Z][A-Z_]+[A-Z])`", table(page)))
    assert named == VARIABLES
    settings = {each.rpartition(".")[2] for each in re.findall(r"`([a-z_.]+)`", table(page))}
    assert KEYS - settings == set()


def test_every_secret_of_the_program_is_looked_at() -> None:
    """The check above finds them: some of each kind are named here."""
    assert {"SLACK_BOT_TOKEN", "CMBOT_MCP_TOKEN", "CMBOT_CODE_KEY", "OTEL_EXPORTER_OTLP_HEADERS"} <= VARIABLES
    assert {"token_env", "scheduler_token_env", "url_env", "key_env", "secret_env", "key_file"} == KEYS


@pytest.mark.parametrize("page", ["SECURITY.md", "docs/security.md"])
def test_no_page_says_that_secrets_are_in_the_environment_only(page: str) -> None:
    assert "environment only" not in (ROOT / page).read_text(encoding="utf-8")

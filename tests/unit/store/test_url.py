"""Database URLs as people write them."""

import pytest

from bot.common.errors import ConfigError
from bot.store.url import parse


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("sqlite:///cmbot.db", "sqlite+aiosqlite:///cmbot.db"),
        ("sqlite+aiosqlite:////var/lib/cmbot.db", "sqlite+aiosqlite:////var/lib/cmbot.db"),
        ("postgres://db/cm", "postgresql+asyncpg://db/cm"),
        ("postgresql://u:p@db:5432/cm", "postgresql+asyncpg://u:p@db:5432/cm"),
        ("postgresql+asyncpg://u@db/cm", "postgresql+asyncpg://u@db/cm"),
        ("postgresql+psycopg://u:p%40ss@db/cm", "postgresql+asyncpg://u:p%40ss@db/cm"),
        ("postgresql://u@/cm?host=/run/postgresql", "postgresql+asyncpg://u@/cm?host=%2Frun%2Fpostgresql"),
    ],
)
def test_every_usual_spelling_is_understood(written: str, meant: str) -> None:
    assert parse(written).url.render_as_string(hide_password=False) == meant


def test_ssl_is_asked_for_as_libpq_spells_it() -> None:
    assert parse("postgresql://u@db/cm?sslmode=require").options == {"ssl": "require"}


def test_the_password_is_never_shown() -> None:
    target = parse("postgresql://u:hunter2@db/cm")
    assert target.shown == "postgresql://u:***@db/cm"
    assert "hunter2" not in repr(target)


@pytest.mark.parametrize(
    ("written", "mend"),
    [
        ("", "no database URL"),
        ("cmbot.db", "no database URL"),
        ("postgres:u:hunter2@db", "no database URL"),
        ("postgresql://u:hunter2@db:port/cm", "no database URL"),
        ("mysql://u:hunter2@db/cm", "mysql databases are not supported"),
        ("sqlite://", "plain file path"),
        ("sqlite:///:memory:", "plain file path"),
        ("sqlite:///x.db?mode=ro", "plain file path"),
        ("sqlite:///file:x.db", "plain file path"),
        ("postgresql://u:hunter2@db", "name of the database"),
        ("postgresql://u:hunter2@db/cm?colour=hunter2", "'colour' is not known"),
        ("postgresql://u:hunter2@db/cm?sslmode=hunter2", "sslmode must be one of"),
        ("postgresql://u:hunter2@db/cm?sslmode=verify-full&sslrootcert=/nowhere.pem", "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_told_with_the_mend_and_without_the_password(written: str, mend: str) -> None:
    with pytest.raises(ConfigError, match=mend) as caught:
        parse(written)
    assert "store.url" in str(caught.value)
    assert "hunter2" not in f"{caught.value}{caught.value.__cause__!r}"

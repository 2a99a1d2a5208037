"""Database URLs of the settings."""

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
def test_common_forms_of_a_url_are_parsed(written: str, meant: str) -> None:
    assert parse(written).url.render_as_string(hide_password=False) == meant


def test_sslmode_is_passed_to_the_driver() -> None:
    assert parse("postgresql://u@db/cm?sslmode=require").tls == "require"


def test_password_is_never_shown() -> None:
    target = parse("postgresql://u:hunter2@db/cm")
    assert target.shown == "postgresql://u:***@db/cm"
    assert "hunter2" not in repr(target)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("", "not a database URL"),
        ("postgresql://<user>:<password>@db.example.com:5432/<database>", "a part of it is a placeholder"),
        ("postgresql://cmbot:hunter2@<host>/cmbot", "a part of it is a placeholder"),
        ("postgresql://…", "a part of it is a placeholder"),
        ("cmbot.db", "not a database URL"),
        ("postgres:u:hunter2@db", "not a database URL"),
        ("postgresql://u:hunter2@db:port/cm", "not a database URL"),
        ("mysql://u:hunter2@db/cm", "mysql databases are not supported"),
        ("sqlite://", "needs a file path"),
        ("sqlite:///:memory:", "needs a file path"),
        ("sqlite:///x.db?mode=ro", "needs a file path"),
        ("sqlite:///file:x.db", "needs a file path"),
        ("postgresql://u:hunter2@db", "name of the database"),
        ("postgresql://u:hunter2@db/cm?colour=hunter2", "unknown option 'colour'"),
        ("postgresql://u:hunter2@db/cm?sslmode=hunter2", "sslmode must be one of"),
        ("postgresql://u:hunter2@db/cm?sslmode=verify-full&sslrootcert=/nowhere.pem", "cannot be read"),
    ],
)
def test_unusable_url_is_refused_without_its_password(written: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        parse(written)
    assert "store.url" in str(caught.value)
    assert "hunter2" not in f"{caught.value}{caught.value.__cause__!r}"

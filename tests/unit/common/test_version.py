"""The version of cmbot: that of the installed package, or a word that says that none is installed."""

from importlib.metadata import PackageNotFoundError

import pytest

from bot.common import version as module


def test_version_of_a_folder_without_a_package_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(module, "version", missing)
    assert module.own_version() == "unknown"
    assert module.version_text().startswith("cmbot unknown on Python ")

"""Which version of cmbot runs."""

import platform
from importlib.metadata import PackageNotFoundError, version


def own_version() -> str:
    """The version of the installed package; "unknown" where the code runs without having been installed."""
    try:
        return version("cmbot")
    except PackageNotFoundError:
        return "unknown"


def told_version() -> str:
    """The version in words, with what it runs on."""
    return f"cmbot {own_version()} on Python {platform.python_version()}"

"""The version of cmbot that runs."""

import platform
from importlib.metadata import PackageNotFoundError, version


def own_version() -> str:
    """Return the version of the installed package; "unknown" if the package is not installed."""
    try:
        return version("cmbot")
    except PackageNotFoundError:
        return "unknown"


def version_text() -> str:
    """Return the version with that of Python, as people read it."""
    return f"cmbot {own_version()} on Python {platform.python_version()}"

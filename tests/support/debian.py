"""Programs of Debian packages for tests: fetched and unpacked into a folder that git ignores, not installed."""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".debian"
"""The folder that keeps what was unpacked; `CMBOT_DEBIAN_CACHE` names another one."""
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*")
_SECONDS = 300


def unpack(package: str) -> Path:
    """Fetch a package with `apt-get download`, unpack it with `dpkg -x`, and return its root folder.

    No service is installed or started, and no dependency is fetched. What is in the cache is not fetched again. Several
    processes may ask at once. Raises RuntimeError, with the words of the program that failed.
    """
    if not _NAME.fullmatch(package):
        raise ValueError(f"not the name of a Debian package: {package!r}")
    cache = Path(os.environ.get("CMBOT_DEBIAN_CACHE") or CACHE)
    cache.mkdir(parents=True, exist_ok=True)
    root = cache / package
    with (cache / f"{package}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.is_dir():
            _fetch(package, root)
    return root


def program(package: str, name: str) -> Path:
    """Return the path of a program of a package. Raises RuntimeError if the package has no such program."""
    root = unpack(package)
    for folder in ("usr/bin", "usr/sbin", "bin", "sbin"):
        if (path := root / folder / name).is_file():
            return path
    raise RuntimeError(f"the Debian package {package} has no program {name}")


def _fetch(package: str, root: Path) -> None:
    """Unpack beside `root` and rename at the end: an interrupted fetch leaves nothing that looks complete."""
    with tempfile.TemporaryDirectory(prefix="debian-") as folder:
        # As root, apt fetches as the user _apt, who must be able to write here.
        Path(folder).chmod(0o777)
        _run("apt-get", "download", package, folder=folder)
        archive = next(Path(folder).glob("*.deb"))
        parts = root.with_name(f"{root.name}.part")
        shutil.rmtree(parts, ignore_errors=True)
        _run("dpkg", "-x", str(archive), str(parts), folder=folder)
        parts.rename(root)


def _run(*command: str, folder: str) -> None:
    done = subprocess.run(  # noqa: S603 - fixed words, no shell
        command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()[-2000:]}")

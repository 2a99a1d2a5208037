"""The program of an earlier release, unpacked from tests/fixtures/releases."""

import asyncio
import os
import sys
import tarfile
from pathlib import Path

RELEASES = Path(__file__).parents[1] / "fixtures" / "releases"
SUFFIX = ".tar.xz"


def newest() -> str:
    """The newest release whose program is kept."""
    versions = [path.name.removesuffix(SUFFIX) for path in RELEASES.glob(f"*{SUFFIX}")]
    return max(versions, key=lambda version: [int(part) for part in version.split(".")])


def unpacked(version: str, folder: Path) -> Path:
    """Unpack a release; a process that starts in the folder runs it as `python -m bot`."""
    with tarfile.open(RELEASES / f"{version}{SUFFIX}") as archive:
        archive.extractall(folder, filter="data")
    return folder


async def older_cmbot(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run one command of an unpacked release; return its exit status and output."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *arguments),
        cwd=folder,
        env=os.environ | {"COLUMNS": "200"} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    return process.returncode or 0, (out + errors).decode()

"""Run the tests on each supported Python of this machine, and name each supported version that the machine lacks.

    python3 .ci/pythons.py find oldest                          print the path of one interpreter
    python3 .ci/pythons.py test [--only VERSION] -- ARGUMENTS   run pytest with ARGUMENTS on each of them

VERSION is `oldest`, `image` (the version in the Dockerfile) or a number such as `3.12`. The classifiers of
pyproject.toml name the supported versions. Interpreters are found in CMBOT_PYTHONS (paths, separated as in PATH), then
in PATH, then in the folder of pyenv (PYENV_ROOT), whose programs in PATH run only the versions selected there. Each
version gets a virtual environment of the pinned packages in .venvs/.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CLASSIFIER = re.compile(r"Programming Language :: Python :: (\d+\.\d+)")
IMAGE = re.compile(r"^FROM python:(\d+\.\d+)", re.MULTILINE)
ASK = "import sys, venv, ensurepip; print(*sys.version_info[:2], sep='.')"


class Refused(Exception):
    """What the caller asked for cannot be done; the message says what to do."""


@dataclass
class Found:
    """Interpreters by version, and what was tried in vain for a version."""

    paths: dict[str, Path] = field(default_factory=dict)
    broken: dict[str, list[Path]] = field(default_factory=dict)


def supported() -> list[str]:
    """Return the versions that the classifiers of pyproject.toml name, oldest first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = [match[1] for line in project["classifiers"] if (match := CLASSIFIER.fullmatch(line))]
    return sorted(versions, key=lambda version: tuple(map(int, version.split("."))))


def image() -> str:
    """Return the version that the container image runs."""
    match = IMAGE.search((ROOT / "Dockerfile").read_text(encoding="utf-8"))
    if match is None:
        raise Refused("The Dockerfile names no image of Python: write FROM python:X.Y.Z.")
    return match[1]


def version_of(path: Path) -> str | None:
    """Return the version of a runnable interpreter that has venv, else None."""
    try:
        answer = subprocess.run([path, "-c", ASK], capture_output=True, text=True, check=False, timeout=30)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def installed(versions: Sequence[str], environment: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """Yield each file of PATH, then of pyenv, that is named as an interpreter of a version."""
    folders = [Path(folder) for folder in os.get_exec_path()]
    if pyenv := environment.get("PYENV_ROOT"):
        folders += sorted(Path(pyenv).glob("versions/*/bin"), key=_release, reverse=True)
    for folder in folders:
        for version in versions:
            path = folder / f"python{version}"
            if os.access(path, os.X_OK):
                yield version, path


def find(versions: Sequence[str], environment: Mapping[str, str]) -> Found:
    """Find an interpreter for each version."""
    found = Found()
    for name in filter(None, environment.get("CMBOT_PYTHONS", "").split(os.pathsep)):
        version = version_of(Path(name))
        if version is None or version not in versions:
            state = "does not run or has no venv module" if version is None else f"is Python {version}"
            raise Refused(f"CMBOT_PYTHONS names {name}, which {state}: name interpreters of {', '.join(versions)}.")
        found.paths.setdefault(version, Path(name).absolute())
    for version, path in installed(versions, environment):
        if version in found.paths:
            continue
        if version_of(path) == version:
            found.paths[version] = path.absolute()
        else:
            found.broken.setdefault(version, []).append(path)
    return found


def _release(folder: Path) -> tuple[int, ...]:
    """Order folders of pyenv by the version in their name."""
    return tuple(map(int, re.findall(r"\d+", folder.parent.name)))


def missing(version: str, found: Found) -> str:
    """Say that a version is not there, and what to do."""
    tried = "".join(f"; {path} does not run or has no venv module" for path in found.broken.get(version, ()))
    return f"not found{tried}. Install it, or name its interpreter in CMBOT_PYTHONS."


def environment_of(version: str, interpreter: Path) -> Path:
    """Return the Python of the version's virtual environment; make or renew the environment where needed."""
    folder = ROOT / ".venvs" / version
    python, stamp = folder / "bin" / "python", folder / ".ready"
    pins = [ROOT / name for name in ("constraints.txt", "pyproject.toml")]
    wanted = hashlib.sha256(b"".join([*(path.read_bytes() for path in pins), bytes(interpreter)])).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    print(f"Python {version}: installing into {folder} ...", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    pip = (python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet")
    for command in (
        (interpreter, "-m", "venv", folder),
        (*pip, "--require-hashes", "-r", "constraints.txt"),
        (*pip, "--no-deps", "--no-build-isolation", "-e", "."),
    ):
        subprocess.run(command, check=True, cwd=ROOT)  # noqa: S603
    stamp.write_text(wanted, encoding="utf-8")
    return python


def outcome(version: str, found: Found, arguments: Sequence[str]) -> tuple[bool, str]:
    """Run the tests on one version; return whether they passed or could not run here, and a sentence."""
    if version not in found.paths:
        return True, missing(version, found)
    print(f"Python {version}: {found.paths[version]}", flush=True)
    try:
        python = environment_of(version, found.paths[version])
    except subprocess.CalledProcessError as error:
        return False, f"FAILED: the pinned packages cannot be installed (exit status {error.returncode})."
    status = subprocess.run([python, "-m", "pytest", *arguments], check=False, cwd=ROOT).returncode  # noqa: S603
    return status == 0, "passed." if status == 0 else f"FAILED (exit status {status} of pytest)."


def run_tests(versions: Sequence[str], found: Found, arguments: Sequence[str]) -> int:
    """Run the tests on each version and print one line for each; 1 when a run failed or no version is there."""
    outcomes = {version: outcome(version, found, arguments) for version in versions}
    print()
    for version, (_, sentence) in outcomes.items():
        print(f"Python {version}: {sentence}")
    nothing_ran = len(versions) > 1 and not found.paths
    return 1 if nothing_ran or not all(passed for passed, _ in outcomes.values()) else 0


def chosen(name: str, versions: Sequence[str]) -> list[str]:
    """Translate `all`, `oldest`, `image` or a number to supported versions."""
    picked = {"all": list(versions), "oldest": list(versions[:1]), "image": [image()]}.get(name, [name])
    if unknown := [version for version in picked if version not in versions]:
        raise Refused(f"Python {unknown[0]} is not supported: choose oldest, image, {', '.join(versions)}.")
    return picked


def parsed() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("find").add_argument("only", metavar="VERSION")
    tests = commands.add_parser("test")
    tests.add_argument("--only", default="all", metavar="VERSION")
    tests.add_argument("arguments", nargs="*")
    return parser.parse_args()


def main() -> int:
    """Do what the command line asks; return the exit status."""
    asked = parsed()
    try:
        versions = chosen(asked.only, supported())
        found = find(supported(), os.environ)
    except Refused as error:
        print(error, file=sys.stderr)
        return 2
    if asked.command == "test":
        return run_tests(versions, found, asked.arguments)
    if versions[0] not in found.paths:
        print(f"Python {versions[0]}: {missing(versions[0], found)}", file=sys.stderr)
        return 1
    print(found.paths[versions[0]])
    return 0


if __name__ == "__main__":
    sys.exit(main())

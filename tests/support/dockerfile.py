"""The steps of a Dockerfile, executed in order in a folder that stands for the root of an image.

A path of the image is the same path below that folder. What needs another user or another root is left to a builder of
images: `useradd`, `install -o`, `USER`. The programs of the base image are a fresh virtual environment with pip.
"""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_STEP = re.compile(r"^([A-Z]+)\s+((?:.*\\\n)*.*)$", re.MULTILINE)
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_LEFT_OUT = ("useradd",)
_FOLDERS = re.compile(r"(?<![\w/.])/(?=(?:opt|src|dist|var/lib|etc)(?:/|\b))")


def steps(text: str) -> Iterator[tuple[str, str]]:
    """Yield (instruction, its words) without comments and line breaks."""
    without = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for match in _STEP.finditer(without):
        yield match[1], re.sub(r"\s*\\\n\s*", " ", match[2]).strip()


@dataclass
class Stage:
    """A stage of the build: its root, its environment and working directory, and what is run at the end."""

    root: Path
    environment: dict[str, str]
    folder: Path
    entry: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def run(self, words: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the image as its start does."""
        own = {**self.environment, **environment}
        found = shutil.which(words[0], path=own["PATH"])
        assert found, words[0]
        return subprocess.run(  # noqa: S603 - the words are those of the Dockerfile
            [found, *words[1:]], env=own, cwd=self.folder, capture_output=True, text=True, check=False
        )


class Build:
    """A build in `folder` from the files in `context`, with the programs of `python` for those of the base image."""

    def __init__(self, folder: Path, context: Path, python: Path) -> None:
        self._folder, self._context, self._python = folder, context, python
        self._base = folder / "base"
        self._finished: dict[str, Path] = {}

    def final(self, dockerfile: Path) -> Stage:
        """Execute every step; return the last stage. A step that fails fails the test."""
        stage, name = None, ""
        for instruction, words in steps(dockerfile.read_text(encoding="utf-8")):
            if instruction == "FROM":
                self._finish(stage, name)
                name = words.partition(" AS ")[2]
                stage = self._stage()
            elif stage is not None:
                self._step(stage, instruction, words)
        assert stage is not None, "the Dockerfile has no stage"
        return stage

    def _stage(self) -> Stage:
        root = self._folder / "root"
        root.mkdir()
        shutil.rmtree(self._base, ignore_errors=True)
        path = os.pathsep.join((str(self._base / "bin"), "/usr/bin", "/bin"))
        return Stage(root, {"PATH": path, "HOME": str(self._folder)}, root)

    def _finish(self, stage: Stage | None, name: str) -> None:
        """Move a stage away: the next one has the same paths, as each image has its own root."""
        if stage is not None:
            self._finished[name] = stage.root.rename(self._folder / f"finished-{name}")

    def _step(self, stage: Stage, instruction: str, words: str) -> None:
        match instruction:
            case "ENV":
                for variable, value in (each.split("=", 1) for each in shlex.split(words)):
                    stage.environment[variable] = self._value(stage, value)
            case "WORKDIR":
                stage.folder = self._inside(stage, words)
                stage.folder.mkdir(parents=True, exist_ok=True)
            case "COPY":
                self._copy(stage, words.split())
            case "RUN" if not words.startswith(_LEFT_OUT):
                self._shell(stage, words)
            case "ENTRYPOINT":
                stage.entry = _listed(words)
            case "CMD":
                stage.command = _listed(words)
            case "HEALTHCHECK":
                stage.health = _listed(words.partition(" CMD ")[2])

    @staticmethod
    def _inside(stage: Stage, path: str) -> Path:
        return stage.root / path.lstrip("/") if path.startswith("/") else stage.folder / path

    @staticmethod
    def _value(stage: Stage, value: str) -> str:
        """The value of a variable: paths of the image are below the root."""
        below = _FOLDERS.sub(f"{stage.root}/", value)
        return _VARIABLE.sub(lambda match: stage.environment.get(match[1], ""), below)

    def _copy(self, stage: Stage, words: list[str]) -> None:
        origin = self._context
        if words[0].startswith("--from="):
            origin = self._finished[words.pop(0).partition("=")[2]]
        *sources, target = words
        into = self._inside(stage, target)
        for source in sources:
            path = origin / source.lstrip("/")
            if path.is_dir():
                shutil.copytree(path, into, symlinks=True, ignore=self._ignored if origin == self._context else None)
            else:
                into.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, into)

    def _ignored(self, folder: str, names: list[str]) -> set[str]:
        """What .dockerignore keeps from the builder."""
        own = Path(folder).relative_to(self._context)
        patterns = (self._context / ".dockerignore").read_text(encoding="utf-8").splitlines()
        kept_out = [line for line in patterns if line and line[0] not in "#!" and line != "*"]
        return {name for name in names if any(_matches(f"{own}/{name}", pattern) for pattern in kept_out)}

    def _shell(self, stage: Stage, words: str) -> None:
        if not self._base.exists():
            subprocess.run([self._python, "-m", "venv", self._base], check=True)  # noqa: S603
        command = _FOLDERS.sub(f"{stage.root}/", words)
        done = subprocess.run(  # noqa: S603 - the words are those of the Dockerfile
            ["/bin/sh", "-c", command],
            env=_with_network(stage.environment),
            cwd=stage.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{words}\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}"


def _matches(path: str, pattern: str) -> bool:
    return path.endswith(pattern.removeprefix("**/")) if pattern.startswith("**/") else path == pattern


def _listed(words: str) -> list[str]:
    return re.findall(r'"([^"]*)"', words)


def _with_network(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with the way of this machine to a package index, and with its cache of packages."""
    ways = {
        name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.lower().endswith("_proxy")
    }
    cache = {"XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")}
    config = {"XDG_CONFIG_HOME": os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")}
    return {
        **ways,
        **{name: value for name, value in environment.items() if name != "PIP_NO_CACHE_DIR"},
        **cache,
        **config,
    }

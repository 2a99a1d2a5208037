"""`deploy/pin-base` writes the digest that a registry gives into both stages of the Dockerfile, and invents none."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DIGEST = f"sha256:{'0123456789abcdef' * 4}"
TAG = "python:3.13.7-slim-bookworm"
DOCKERFILE = f"FROM {TAG} AS builder\nRUN true\nFROM {TAG}\nCOPY --from=builder /a /a\n"


class Checkout:
    """A checkout with a Dockerfile, on a machine with the programs that a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.dockerfile, self.programs, self.asked = folder / "Dockerfile", folder / "bin", folder / "asked"
        (folder / "deploy").mkdir()
        shutil.copy(ROOT / "deploy/pin-base", folder / "deploy")
        self.script = folder / "deploy/pin-base"
        self.dockerfile.write_text(DOCKERFILE)
        self.programs.mkdir()
        for name in ("sed", "sort", "wc", "grep", "mktemp", "rm", "cat", "dirname"):
            (self.programs / name).symlink_to(str(shutil.which(name)))

    def program(self, name: str, answer: str, status: int = 0) -> None:
        """Put a program there that notes how it is called, and answers."""
        path = self.programs / name
        asks = f'case "$*" in *inspect*) echo "$@" >> {self.asked}; echo "{answer}"; exit {status};; esac'
        path.write_text(f"#!/bin/sh\n{asks}\n")
        path.chmod(0o755)

    def pin(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603
            ["/bin/sh", str(self.script), *words],
            env={"PATH": str(self.programs)},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.mark.parametrize("program", ["docker", "skopeo"])
def test_both_stages_get_the_digest(checkout: Checkout, program: str) -> None:
    checkout.program(program, DIGEST)
    assert checkout.pin().stdout == f"{TAG}@{DIGEST}\n"
    assert checkout.dockerfile.read_text() == DOCKERFILE.replace(TAG, f"{TAG}@{DIGEST}")
    assert f"{TAG}" in checkout.asked.read_text()


def test_mirror_is_asked_and_not_written(checkout: Checkout) -> None:
    checkout.program("docker", DIGEST)
    assert checkout.pin("mirror.example.com/library/").returncode == 0
    assert f" mirror.example.com/library/{TAG} " in checkout.asked.read_text()
    assert "mirror" not in checkout.dockerfile.read_text()


def test_second_run_renews_the_digest_and_unpin_removes_it(checkout: Checkout) -> None:
    checkout.program("docker", DIGEST)
    checkout.pin()
    newer = DIGEST.replace("0123", "4567")
    checkout.program("docker", newer)
    assert checkout.pin().returncode == 0
    assert checkout.dockerfile.read_text().count(f"{TAG}@{newer}") == 2
    assert checkout.pin("--unpin").stdout == f"{TAG}\n"
    assert checkout.dockerfile.read_text() == DOCKERFILE


@pytest.mark.parametrize(("answer", "status"), [("", 1), ("", 0), ("sha256:abc", 0), (f"{DIGEST} {DIGEST}", 0)])
def test_answer_that_is_no_digest_changes_nothing(checkout: Checkout, answer: str, status: int) -> None:
    checkout.program("docker", answer, status)
    answered = checkout.pin()
    assert (answered.returncode, answered.stdout) == (1, "")
    assert "the Dockerfile is unchanged" in answered.stderr
    assert checkout.dockerfile.read_text() == DOCKERFILE


def test_machine_without_a_program_for_registries_is_named(checkout: Checkout) -> None:
    answered = checkout.pin()
    assert answered.returncode == 1
    assert "neither docker with buildx nor skopeo" in answered.stderr


def test_stages_with_different_bases_are_refused(checkout: Checkout) -> None:
    checkout.program("docker", DIGEST)
    checkout.dockerfile.write_text(DOCKERFILE.replace(f"FROM {TAG}\n", "FROM python:3.13.8-slim-bookworm\n"))
    answered = checkout.pin()
    assert (answered.returncode, "different images" in answered.stderr) == (1, True)

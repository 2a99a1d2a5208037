"""The container image is built from what the lock files pin, and runs without privileges."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PIN = re.compile(r"^([a-z0-9_.-]+)==(\S+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / name).read_text()))


@pytest.mark.parametrize("name", ["constraints-runtime.txt", "constraints-build.txt", "constraints-extras.txt"])
def test_image_packages_are_a_subset_of_the_tested_ones(name: str) -> None:
    part = pins(name)
    assert part
    assert part.items() <= pins("constraints.txt").items()


@pytest.mark.parametrize(
    "name", ["constraints.txt", "constraints-runtime.txt", "constraints-build.txt", "constraints-extras.txt"]
)
def test_every_pin_has_hashes_and_no_file_names_an_index(name: str) -> None:
    text = (ROOT / name).read_text()
    for requirement in re.split(r"\n(?=[a-z0-9])", text)[1:]:
        assert "--hash=sha256:" in requirement, requirement.splitlines()[0]
    assert "://" not in text


def test_runtime_has_production_packages_and_no_tools() -> None:
    names = pins("constraints-runtime.txt").keys()
    assert {"slack-bolt", "asyncpg", "aiosqlite", "prometheus-client"} <= names
    assert not {"pytest", "ruff", "hypothesis", "hatchling", "playwright"} & names
    assert not any(name.startswith("opentelemetry") for name in names)


def test_extras_are_the_runtime_with_their_packages() -> None:
    extras, runtime = pins("constraints-extras.txt"), pins("constraints-runtime.txt")
    assert runtime.items() <= extras.items()
    assert {"opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http", "mcp"} <= extras.keys()
    assert not {"pytest", "ruff", "hatchling"} & extras.keys()


def test_image_runs_without_privileges_and_without_a_shell() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    stages = dockerfile.split("\nFROM ")
    assert all(re.search(r"python:\d+\.\d+\.\d+-slim", stage.splitlines()[0]) for stage in stages[1:])
    final = stages[-1]
    assert "USER 10001:10001" in final
    assert "PYTHONSAFEPATH=1" in final, "else the health check would import what lies in the volume"
    assert 'ENTRYPOINT ["cmbot"]\nCMD ["run"]' in final
    assert 'CMD ["python", "-m", "bot.cli.healthcheck"]' in final


def test_all_that_is_copied_into_the_builder_is_let_through() -> None:
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
        for word in line.split()[:-1]
    }
    assert copied == let_through

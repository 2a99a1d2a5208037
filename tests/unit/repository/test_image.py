"""The container image is built from what the lock files pin, and runs without privileges."""

import re
import tomllib
from pathlib import Path

import pytest

from bot.config.model import HttpSettings

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
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


def test_stages_begin_with_one_patch_release_by_tag_or_by_tag_and_digest() -> None:
    bases = re.findall(r"^FROM (\S+)(?: AS builder)?$", DOCKERFILE, re.MULTILINE)
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-[a-z]+(@sha256:[0-9a-f]{64})?", bases[0])


def test_labels_say_what_the_project_says() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', DOCKERFILE))
    assert labels["description"].removesuffix(".").partition(":")[0] == project["description"].partition(":")[0]
    assert (labels["title"], labels["version"], labels["licenses"]) == (
        project["name"],
        project["version"],
        project["license"],
    )
    assert (labels["revision"], labels["source"]) == ("$REVISION", "$SOURCE"), "given at the build, not invented"


def test_image_installs_no_package_of_the_system() -> None:
    """So it has no compiler: the slim image has none, and every pinned package has a wheel."""
    assert not re.search(r"\b(apt|apt-get|gcc|build-essential|curl|wget)\b", DOCKERFILE)


def test_pages_of_the_image_are_served_on_the_port_that_it_exposes() -> None:
    assert f"EXPOSE {HttpSettings().port}\n" in DOCKERFILE
    assert re.search(r"^ENV (?:.*\\\n)* +CMBOT_HTTP_HOST=0\.0\.0\.0$", DOCKERFILE, re.MULTILINE)


def test_image_runs_without_privileges_and_without_a_shell() -> None:
    stages = DOCKERFILE.split("\nFROM ")
    final = stages[-1]
    assert "USER 10001:10001" in final
    assert "PYTHONSAFEPATH=1" in final, "else the health check would import what lies in the volume"
    assert 'ENTRYPOINT ["cmbot"]\nCMD ["run"]' in final
    assert 'CMD ["python", "-m", "bot.cli.healthcheck"]' in final


def test_all_that_is_copied_into_the_builder_is_let_through() -> None:
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        word for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE) for word in line.split()[:-1]
    }
    assert copied == let_through

"""`make sbom` and `make audit`: they name every pinned package; advisories that cannot be had are no pass."""

import json
import os
import re
import subprocess
import sys
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


def script(name: str) -> ModuleType:
    """Load a script of `.ci`."""
    spec = util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def sbom() -> ModuleType:
    return script("sbom")


def pins(name: str) -> str:
    """The text of a file of pins."""
    return (ROOT / f"constraints-{name}.txt").read_text(encoding="utf-8")


def pinned(text: str) -> set[tuple[str, str]]:
    """Name and version of each pin."""
    return set(re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;]+)", text, re.MULTILINE))


def components(found: dict[str, Any], scope: str) -> set[tuple[str, str]]:
    return {(each["name"], each["version"]) for each in found["components"] if each["scope"] == scope}


def installed(target: str, extras: str) -> list[str]:
    """The files of pins that a target would name, but for those of `.venv`."""
    command = ["make", "--dry-run", "--always-make", target, *([f"EXTRAS={extras}"] if extras else [])]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - fixed
    return sorted(set(re.findall(r"constraints-\w+\.txt", ended.stdout)))


@pytest.mark.parametrize("extras", ["", "mcp", "otel"])
def test_bill_and_audit_are_about_what_is_installed(extras: str) -> None:
    files = installed("install", extras)
    assert files == sorted(["constraints-build.txt", f"constraints-{'extras' if extras else 'runtime'}.txt"])
    assert installed("sbom", extras) == installed("audit", extras) == files


@pytest.mark.parametrize("name", ["runtime", "extras"])
def test_bill_marks_what_builds_and_does_not_run(sbom: ModuleType, name: str, tmp_path: Path) -> None:
    out, build = tmp_path / "bill.json", ROOT / "constraints-build.txt"
    assert sbom.main([str(ROOT / f"constraints-{name}.txt"), "--build", str(build), "--out", str(out)]) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    running = pinned(pins(name))
    assert components(found, "required") == running
    assert components(found, "excluded") == pinned(pins("build")) - running
    assert "hatchling" in {each for each, _ in components(found, "excluded")}
    assert ("mcp" in {each for each, _ in running}) is (name == "extras")
    known = {each["bom-ref"] for each in found["components"]}
    assert len(known) == len(found["components"])
    assert {one for each in found["dependencies"] for one in each["dependsOn"]} == known


def test_package_that_builds_and_runs_is_listed_once_as_running(sbom: ModuleType) -> None:
    found = sbom.bill("one==1\ntwo==2\n    # via one\n", "two==2\n    # via three\nthree==3\n")
    assert components(found, "required") == {("one", "1"), ("two", "2")}
    assert components(found, "excluded") == {("three", "3")}


@pytest.mark.parametrize("name", ["runtime", "extras"])
def test_audit_has_each_pin_of_all_files_once_with_its_hashes(name: str) -> None:
    texts = [pins(name), pins("build")]
    found = script("audit").together([*texts, texts[0]])
    assert len(re.findall(r"^\S", found, re.MULTILINE)) == len(pinned(found)), (
        "a package is refused if it is there twice"
    )
    assert pinned(found) == pinned("".join(texts))
    assert found.count("--hash=") == "".join(texts).count("--hash=")
    assert "#" not in found


def test_bill_has_each_pinned_package_once_with_its_version(sbom: ModuleType) -> None:
    text = pins("runtime")
    found = sbom.bill(text)
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    listed = {(each["name"], each["version"]) for each in found["components"]}
    assert listed == pinned(text)
    assert len(found["components"]) == len(listed)
    assert all(each["properties"] for each in found["components"])
    assert json.dumps(sbom.bill(text)) == json.dumps(found), "the same pins give the same text"
    assert sbom.bill(text.replace("pyotp==", "pyotp==9"))["serialNumber"] != found["serialNumber"]


def test_bill_says_what_requires_what(sbom: ModuleType) -> None:
    found = sbom.bill(pins("runtime"))
    needs = {each["ref"].split("@")[0]: each["dependsOn"] for each in found["dependencies"]}
    own = found["metadata"]["component"]["bom-ref"]
    assert any(name.startswith("pkg:pypi/aiohttp@") for name in needs[own.split("@")[0]])
    assert any(name.startswith("pkg:pypi/multidict@") for name in needs["pkg:pypi/aiohttp"])
    known = {each["bom-ref"] for each in found["components"]}
    assert {name for names in needs.values() for name in names} == known, "each package is required by something"


def test_audit_without_advisory_data_has_a_status_of_its_own(tmp_path: Path) -> None:
    environment = {**os.environ, "UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, str(ROOT / ".ci" / "audit.py"), str(ROOT / "constraints-runtime.txt")]
    ended = subprocess.run(  # noqa: S603 - the command is fixed
        command, capture_output=True, text=True, env=environment, check=False
    )
    assert ended.returncode == 3, ended.stdout + ended.stderr
    assert "could not be had" in ended.stderr

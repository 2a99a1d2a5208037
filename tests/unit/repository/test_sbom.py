"""`make sbom` and `make audit`: the bill names every pinned package; advisories that cannot be had are no pass."""

import json
import os
import re
import subprocess
import sys
from importlib import util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def sbom() -> ModuleType:
    spec = util.spec_from_file_location("sbom", ROOT / ".ci" / "sbom.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules["sbom"] = module
    spec.loader.exec_module(module)
    return module


def test_bill_has_each_pinned_package_once_with_its_version(sbom: ModuleType) -> None:
    text = sbom.PINS.read_text(encoding="utf-8")
    found = sbom.bill(text)
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    listed = {(each["name"], each["version"]) for each in found["components"]}
    pinned = set(re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE))
    assert listed == pinned
    assert len(found["components"]) == len(pinned)
    assert all(each["properties"] for each in found["components"])
    assert json.dumps(sbom.bill(text)) == json.dumps(found), "the same pins give the same text"
    assert sbom.bill(text.replace("pyotp==", "pyotp==9"))["serialNumber"] != found["serialNumber"]


def test_bill_says_what_requires_what(sbom: ModuleType) -> None:
    found = sbom.bill(sbom.PINS.read_text(encoding="utf-8"))
    needs = {each["ref"].split("@")[0]: each["dependsOn"] for each in found["dependencies"]}
    own = found["metadata"]["component"]["bom-ref"]
    assert any(name.startswith("pkg:pypi/aiohttp@") for name in needs[own.split("@")[0]])
    assert any(name.startswith("pkg:pypi/multidict@") for name in needs["pkg:pypi/aiohttp"])
    known = {each["bom-ref"] for each in found["components"]}
    assert {name for names in needs.values() for name in names} == known, "each package is required by something"


def test_audit_without_advisory_data_has_a_status_of_its_own(tmp_path: Path) -> None:
    environment = {**os.environ, "UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, str(ROOT / ".ci" / "audit.py")]
    ended = subprocess.run(  # noqa: S603 - the command is fixed
        command, capture_output=True, text=True, env=environment, check=False
    )
    assert ended.returncode == 3, ended.stdout + ended.stderr
    assert "could not be had" in ended.stderr

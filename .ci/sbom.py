"""Write the software bill of materials of an installation: CycloneDX 1.6 as JSON, from the pinned packages.

`python .ci/sbom.py [--build PINS] [--out FILE] PINS` writes to the file, or to standard output. The pins are the only
source: nothing is installed, downloaded or guessed, and the same pins give the same text. The pins after `--build` are
those of what builds cmbot. They are installed too, but nothing that runs imports them: their scope is `excluded`.
"""

import argparse
import json
import re
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_PIN = re.compile(r"^([A-Za-z0-9_.\-]+)(?:\[[^]]*\])?==([^\s;\\]+)(?:\s*;\s*([^\\]*?))?\s*\\?$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VIA = re.compile(r"^\s+#\s+(?:via\s+)?([A-Za-z0-9_.\-]+)(?:\s+\(.*\))?$")
_SPACE = uuid.UUID("8e0cfd04-43ab-4f53-9a0f-9d1f6c0c6a5e")
"""The name space of serial numbers, so that the same pins have the same one."""


@dataclass(slots=True)
class Pin:
    """One pinned package: the marker of the platforms that need it, the hashes of its files, and what requires it."""

    name: str
    version: str
    marker: str = ""
    hashes: list[str] = field(default_factory=list)
    required_by: list[str] = field(default_factory=list)

    @property
    def purl(self) -> str:
        """Return the package URL."""
        return f"pkg:pypi/{self.name.lower().replace('_', '-')}@{self.version}"


def pins(text: str) -> Iterator[Pin]:
    """Read the pinned packages of a file of constraints."""
    pin: Pin | None = None
    for line in text.splitlines():
        if found := _PIN.match(line):
            if pin is not None:
                yield pin
            pin = Pin(found[1], found[2], (found[3] or "").strip())
        elif pin is not None and (found := _HASH.search(line)):
            pin.hashes.append(found[1])
        elif pin is not None and (found := _VIA.match(line)) and found[1] != "via":
            pin.required_by.append(found[1])
    if pin is not None:
        yield pin


def version() -> str:
    """Return the version of this checkout."""
    found = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise SystemExit("pyproject.toml has no version")
    return found[1]


def bill(text: str, build: str = "") -> dict[str, Any]:
    """Return the bill of materials of the pinned packages; `build` are the pins of what builds cmbot."""
    held, own = list(pins(text)), f"pkg:generic/cmbot@{version()}"
    names = {pin.name for pin in held}
    built = [pin for pin in pins(build) if pin.name not in names]
    held += built
    refs = {pin.name: pin.purl for pin in held}
    needs: dict[str, list[str]] = {own: [], **{pin.purl: [] for pin in held}}
    for pin in held:
        for parent in pin.required_by or (own,):
            needs[refs.get(parent, own)].append(pin.purl)
    body = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": own, "name": "cmbot", "version": version()}},
        "components": [_component(pin, running=pin not in built) for pin in held],
        "dependencies": [{"ref": ref, "dependsOn": sorted(set(names))} for ref, names in needs.items()],
    }
    serial = uuid.uuid5(_SPACE, json.dumps(body, sort_keys=True))
    return {"serialNumber": f"urn:uuid:{serial}", **body}


def _component(pin: Pin, *, running: bool) -> dict[str, Any]:
    marker = [{"name": "cmbot:marker", "value": pin.marker}] if pin.marker else []
    # One package has several files, of which an installation takes one: no single hash is that of the component.
    hashes = [{"name": "cmbot:sha256-of-a-file", "value": value} for value in pin.hashes]
    return {
        "type": "library",
        "bom-ref": pin.purl,
        "name": pin.name,
        "version": pin.version,
        "purl": pin.purl,
        "scope": "required" if running else "excluded",
        "properties": [*marker, *hashes],
    }


def main(arguments: list[str]) -> int:
    """Write the bill; return the exit status."""
    parser = argparse.ArgumentParser(description="Write the software bill of materials of an installation.")
    parser.add_argument("pins", type=Path, help="the pins of what runs")
    parser.add_argument("--build", type=Path, help="the pins of what builds cmbot")
    parser.add_argument("--out", type=Path, help="the file to write in place of standard output")
    given = parser.parse_args(arguments)
    build = given.build.read_text(encoding="utf-8") if given.build else ""
    text = json.dumps(bill(given.pins.read_text(encoding="utf-8"), build), indent=1) + "\n"
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

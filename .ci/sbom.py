"""Write the software bill of materials of an installation: CycloneDX 1.6 as JSON, from the pinned packages.

`python .ci/sbom.py [FILE]` writes to the file, or to standard output. The pins are the only source: nothing is
installed, downloaded or guessed, and the same pins give the same text.
"""

import json
import re
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PINS = ROOT / "constraints-runtime.txt"
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


def bill(text: str) -> dict[str, Any]:
    """Return the bill of materials of the pinned packages."""
    held, own = list(pins(text)), f"pkg:generic/cmbot@{version()}"
    refs = {pin.name: pin.purl for pin in held}
    needs: dict[str, list[str]] = {own: [], **{pin.purl: [] for pin in held}}
    for pin in held:
        for parent in pin.required_by:
            needs[refs.get(parent, own)].append(pin.purl)
    body = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": own, "name": "cmbot", "version": version()}},
        "components": [_component(pin) for pin in held],
        "dependencies": [{"ref": ref, "dependsOn": sorted(set(names))} for ref, names in needs.items()],
    }
    serial = uuid.uuid5(_SPACE, json.dumps(body, sort_keys=True))
    return {"serialNumber": f"urn:uuid:{serial}", **body}


def _component(pin: Pin) -> dict[str, Any]:
    marker = [{"name": "cmbot:marker", "value": pin.marker}] if pin.marker else []
    # One package has several files, of which an installation takes one: no single hash is that of the component.
    hashes = [{"name": "cmbot:sha256-of-a-file", "value": value} for value in pin.hashes]
    return {
        "type": "library",
        "bom-ref": pin.purl,
        "name": pin.name,
        "version": pin.version,
        "purl": pin.purl,
        "properties": [*marker, *hashes],
    }


def main(arguments: list[str]) -> int:
    """Write the bill; return the exit status."""
    text = json.dumps(bill(PINS.read_text(encoding="utf-8")), indent=1) + "\n"
    if arguments:
        Path(arguments[0]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

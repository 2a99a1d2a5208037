"""Compare the pinned packages with published advisories, by pip-audit, which `uvx` fetches.

`python .ci/audit.py PINS...` takes the pins of all files together.

Exit status 0: no advisory names a pinned version. 1: one does, and the table shows it. 3: the advisory data could not
be had (no network, no access), so nothing is known; that is neither a pass nor a failure of the pins.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

UVX = Path(sys.executable).with_name("uvx")
AUDITOR = "pip-audit>=2.7,<3"
KNOWN = "pyyaml==5.3\n"
"""A version with published advisories: a registry that names none for it, such as a mirror, has no such data."""
NOTHING_FOUND, FOUND, NOT_KNOWN = 0, 1, 3
_SECONDS = 600
_BLOCK = re.compile(r"^[^\s#].*\n(?:[ ]+--.*\n)*", re.MULTILINE)
"""A pin with its hashes, without the comments around it."""


def together(texts: Sequence[str]) -> str:
    """Return the pins of several files as one, each once: the auditor refuses a package that it finds twice."""
    blocks = [block for text in texts for block in _BLOCK.findall(text)]
    return "".join(dict.fromkeys(blocks))


def audit(files: Sequence[Path]) -> int:
    """Run the auditor on a version with a known advisory, then on the pins; return the exit status."""
    with tempfile.TemporaryDirectory(prefix="cmbot-audit-") as folder:
        report, known, pins = (Path(folder) / name for name in ("report.json", "known.txt", "pins.txt"))
        known.write_text(KNOWN, encoding="utf-8")
        pins.write_text(together([each.read_text(encoding="utf-8") for each in files]), encoding="utf-8")
        try:
            if not _advisories(_report(known, report, "--no-deps")):
                return _not_known(f"the registry has no advisory for {KNOWN.strip()}, so a mirror without them answers")
            found = _report(pins, report, "--require-hashes")
        except (OSError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
            return _not_known(str(error))
    return _shown(found)


def _report(pins: Path, report: Path, *options: str) -> list[dict[str, Any]]:
    """Return the auditor's report on requirements; raises OSError, ValueError, KeyError, TimeoutExpired without one."""
    report.unlink(missing_ok=True)
    command = [str(UVX), "--from", AUDITOR, "pip-audit", "--requirement", str(pins), "--disable-pip", *options]
    command += ["--progress-spinner", "off", "--format", "json", "--output", str(report)]
    ended = subprocess.run(  # noqa: S603 - the command is fixed
        command, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if not report.exists():
        raise ValueError(ended.stderr.strip().splitlines()[-1] if ended.stderr.strip() else "no report")
    found: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["dependencies"]
    return found


def _advisories(found: list[dict[str, Any]]) -> list[str]:
    return [
        f"{package['name']} {package['version']}: {each['id']}, fixed in "
        f"{', '.join(each.get('fix_versions') or ()) or 'none yet'}"
        for package in found
        for each in package.get("vulns") or ()
    ]


def _not_known(why: str) -> int:
    sys.stderr.write(f"The advisory data could not be had, so nothing is known about the pins: {why:.300}\n")
    return NOT_KNOWN


def _shown(found: list[dict[str, Any]]) -> int:
    lines = _advisories(found)
    sys.stdout.write("\n".join([*lines, f"{len(lines)} advisories for {len(found)} packages."]) + "\n")
    return FOUND if lines else NOTHING_FOUND


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit("name the files with the pins")
    sys.exit(audit([Path(each) for each in sys.argv[1:]]))

"""Compare the pinned packages with published advisories, by pip-audit, which `uvx` fetches.

Exit status 0: no advisory names a pinned version. 1: one does, and the table shows it. 3: the advisory data could not
be had (no network, no access), so nothing is known; that is neither a pass nor a failure of the pins.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PINS = ROOT / "constraints-runtime.txt"
UVX = Path(sys.executable).with_name("uvx")
AUDITOR = "pip-audit>=2.7,<3"
NOTHING_FOUND, FOUND, NOT_KNOWN = 0, 1, 3
_SECONDS = 600


def audit(pins: Path) -> int:
    """Run the auditor; return the exit status."""
    with tempfile.TemporaryDirectory(prefix="cmbot-audit-") as folder:
        report = Path(folder) / "report.json"
        command = [str(UVX), "--from", AUDITOR, "pip-audit", "--requirement", str(pins), "--disable-pip"]
        command += ["--require-hashes", "--progress-spinner", "off", "--format", "json", "--output", str(report)]
        try:
            ended = subprocess.run(  # noqa: S603 - the command is fixed
                command, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return _not_known(str(error))
        try:
            found = json.loads(report.read_text(encoding="utf-8"))["dependencies"]
        except (OSError, ValueError, KeyError):
            return _not_known(ended.stderr.strip().splitlines()[-1] if ended.stderr.strip() else "no report")
    return _shown(found)


def _not_known(why: str) -> int:
    sys.stderr.write(f"The advisory data could not be had, so nothing is known about the pins: {why:.300}\n")
    return NOT_KNOWN


def _shown(found: list[dict[str, object]]) -> int:
    lines = []
    for package in found:
        advisories = package.get("vulns")
        for each in advisories if isinstance(advisories, list) else ():
            fixed = ", ".join(each.get("fix_versions") or ()) or "none yet"
            lines.append(f"{package['name']} {package['version']}: {each['id']}, fixed in {fixed}")
    sys.stdout.write("\n".join([*lines, f"{len(lines)} advisories for {len(found)} packages."]) + "\n")
    return FOUND if lines else NOTHING_FOUND


if __name__ == "__main__":
    sys.exit(audit(PINS))

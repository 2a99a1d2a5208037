"""Writes docs/a-day.md: `python -m tests.e2e.day`."""

import asyncio
import tempfile
from pathlib import Path

from tests.e2e.day.page import PAGE, lived

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        text, _ = asyncio.run(lived(Path(folder)))
    PAGE.write_text(text, encoding="utf-8")

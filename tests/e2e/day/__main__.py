"""Write docs/a-day.md: `python -m tests.e2e.day`."""

import asyncio
import tempfile
from pathlib import Path

from tests.e2e.day.page import PAGE, lived, page_of

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        day = asyncio.run(lived(Path(folder)))
    PAGE.write_text(page_of(day), encoding="utf-8")

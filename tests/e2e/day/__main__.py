"""Write docs/a-day.md: `python -m tests.e2e.day`."""

import asyncio
import tempfile
from pathlib import Path

from tests.e2e.day.page import PAGE, lived, page_of
from tests.support.fast_time import FastLoop

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        # On the loop of the test: what waits does not wait long.
        with asyncio.Runner(loop_factory=FastLoop) as runner:
            day = runner.run(lived(Path(folder)))
    PAGE.write_text(page_of(day), encoding="utf-8")

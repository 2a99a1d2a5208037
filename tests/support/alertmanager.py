"""Debian's Alertmanager on loopback for tests, with one receiver."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.support.debian import unpack

CONFIG = """
route: {{receiver: hook, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers:
  - name: hook
    webhook_configs:
      - {{url: "{url}", send_resolved: true, http_config: {{authorization: {{credentials: {token}}}}}}}
"""


def relocated(folder: Path) -> tuple[Path, Path]:
    """A copy of the program that looks for its templates below its working folder; both.

    Debian's Alertmanager has the path of its templates built in, and the package is not installed.
    """
    root = unpack("prometheus-alertmanager")
    copy = folder / "alertmanager"
    built_in = b"/usr/share/prometheus/alertmanager"
    copy.write_bytes((root / "usr/bin/prometheus-alertmanager").read_bytes().replace(built_in, built_in[1:] + b"/"))
    copy.chmod(0o700)
    return copy, root


@asynccontextmanager
async def alertmanager(folder: Path, port: int, url: str, token: str) -> AsyncIterator[None]:
    """Run it on the loopback alone until the block ends; it posts each alert to `url` at once."""
    config = folder / "alertmanager.yml"
    config.write_text(CONFIG.format(url=url, token=token))
    binary, root = await asyncio.to_thread(relocated, folder)
    process = await asyncio.create_subprocess_exec(
        str(binary),
        f"--config.file={config}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        cwd=root,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
        assert process.returncode is None
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()

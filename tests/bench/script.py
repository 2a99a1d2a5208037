"""A script of a quarter of an hour for `/cm stat`, without error handling: the comparison for the answer."""

import asyncio
import os
import sys
from typing import Any

import httpx
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.bench.hosts import LISTS

hosts = sys.argv[2:]
app = AsyncApp(client=AsyncWebClient(token=os.environ["BENCH_BOT_TOKEN"], base_url=sys.argv[1]))
http = httpx.AsyncClient()


@app.command("/cm")
async def stat(ack: AsyncAck, command: dict[str, Any]) -> None:
    """Read every host in parallel and the disk list of the first one, and post the answers."""
    await ack()
    targets = [f"http://{host}/stat" for host in hosts] + [f"http://{hosts[0]}{target}" for target in LISTS]
    *stats, broken, repairing = [answer.json() for answer in await asyncio.gather(*map(http.get, targets))]
    bad = [*(broken["disks"] or ()), *(repairing["disks"] or ())]
    lines = [f"leader {stats[0]['leader_host']}, {len(bad)} disks broken or being repaired"]
    lines += [f"{host}: term {each['raft_status']['term']}" for host, each in zip(hosts, stats, strict=True)]
    lines += [f"{zone['idc']}: {zone['total']} disks" for zone in stats[0]["space_stat"]["disk_stat_infos"]]
    await http.post(command["response_url"], json={"response_type": "in_channel", "text": "\n".join(lines)})


async def main() -> None:
    """Serve until killed."""
    await AsyncSocketModeHandler(app, os.environ["BENCH_APP_TOKEN"]).start_async()


if __name__ == "__main__":
    asyncio.run(main())

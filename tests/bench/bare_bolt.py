"""A Bolt app that only acknowledges: the comparison for the acknowledgement of `/cm stat`."""

import asyncio
import os
import sys

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

app = AsyncApp(client=AsyncWebClient(token=os.environ["BENCH_BOT_TOKEN"], base_url=sys.argv[1]))


@app.command("/cm")
async def acknowledge(ack: AsyncAck) -> None:
    """Acknowledge and do nothing."""
    await ack()


async def main() -> None:
    """Serve until killed."""
    await AsyncSocketModeHandler(app, os.environ["BENCH_APP_TOKEN"]).start_async()


if __name__ == "__main__":
    asyncio.run(main())

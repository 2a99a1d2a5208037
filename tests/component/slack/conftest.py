"""What the tests of the Slack edge share."""

from collections.abc import AsyncIterator

import pytest

from bot.slack.client import SlackClient
from tests.support.slack_stub import Stub, serving

TOKEN = "xoxb-test-7777-secret"


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    """A Web API under the test's control."""
    async with serving(Stub()) as stub:
        yield stub


@pytest.fixture
async def gateway(stub: Stub) -> AsyncIterator[SlackClient]:
    """A gateway to the stub, with a short patience."""
    async with SlackClient(TOKEN, stub.api_url, timeout=5.0) as gateway:
        yield gateway

"""What the workspace is made of, handed around together."""

from dataclasses import dataclass

from bot.playground.slack.api import Api
from bot.playground.slack.delivery import Delivery
from bot.playground.slack.faults import Faults
from bot.playground.slack.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Parts:
    """State, faults, delivery to the app, and the Web API."""

    workspace: Workspace
    faults: Faults
    delivery: Delivery
    api: Api

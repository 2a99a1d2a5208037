"""A local Slack workspace, as strict as the platform: Web API, Socket Mode, signed HTTP, and a page to act on.

`async with LocalSlack() as slack:` serves `slack.api_url` (for the bot) and `slack.page_url` (for a person);
`slack.as_user("alice")` acts, `slack.workspace` has the result, `slack.faults` injects faults.
"""

from bot.playground.slack_sim.acting import ActError, Actor
from bot.playground.slack_sim.delivery import Ack
from bot.playground.slack_sim.errors import ActRefused, Violation
from bot.playground.slack_sim.faults import FaultRefused
from bot.playground.slack_sim.message import Message, View
from bot.playground.slack_sim.server import LocalSlack
from bot.playground.slack_sim.team import DEMO_TEAM, Channel, Command, Group, Team, User
from bot.playground.slack_sim.workspace import Workspace

__all__ = [
    "DEMO_TEAM",
    "Ack",
    "ActError",
    "ActRefused",
    "Actor",
    "Channel",
    "Command",
    "FaultRefused",
    "Group",
    "LocalSlack",
    "Message",
    "Team",
    "User",
    "View",
    "Violation",
    "Workspace",
]

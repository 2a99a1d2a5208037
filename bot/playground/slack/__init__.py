"""A local Slack workspace, as strict as the platform: Web API, Socket Mode, signed HTTP, and a page to act on."""

"""Telemetry: logs without secrets, metrics, health pages, heartbeat, delays of the event loop."""

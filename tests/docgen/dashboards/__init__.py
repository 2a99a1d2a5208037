"""Dashboards of cmbot's metrics for Grafana."""

"""JsonObject: the type of a JSON object that another program reads or wrote."""

from collections.abc import Mapping
from typing import Any

JsonObject = Mapping[str, Any]
"""A payload, a response body or stored JSON, before its fields are checked; or what is sent to another program."""

"""Secrets: the values that are not in the settings file. bot/config/secret_sources.py says where each comes from."""

from pathlib import Path

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.config.types import Cleaned, Secret


class Secrets(BaseSettings):
    """Values from variables, or from files that these name; the secret ones are never shown."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)
    slack_bot_token: Secret = SecretStr("")
    slack_app_token: Secret = SecretStr("")
    slack_signing_secret: Secret = SecretStr("")
    cmbot_store_url: Secret = SecretStr("")
    cmbot_heartbeat_url: Secret = SecretStr("")
    cmbot_mcp_token: Secret = SecretStr("")
    cmbot_http_host: Cleaned = ""
    slack_proxy: Secret = SecretStr("")
    https_proxy: Secret = SecretStr("")
    no_proxy: str = ""
    cmbot_code_key: Secret = SecretStr("")
    cmbot_config: Path = Path("config.yaml")

    @field_validator("cmbot_config", mode="before")
    @classmethod
    def _default_when_empty(cls, value: object) -> object:
        """Treat an empty variable as not set."""
        return value if not isinstance(value, str) or value.strip() else "config.yaml"

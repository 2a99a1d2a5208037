"""Export of traces: on if the standard variables of OpenTelemetry name an endpoint. Its library reads the others."""

from collections.abc import Iterable
from urllib.parse import unquote

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.config.types import Secret

_HTTP = "http/protobuf"


class TraceExport(BaseSettings):
    """The variables that decide whether traces are exported."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)
    otel_exporter_otlp_endpoint: str = ""
    otel_exporter_otlp_traces_endpoint: str = ""
    otel_exporter_otlp_protocol: str = ""
    otel_exporter_otlp_traces_protocol: str = ""
    otel_exporter_otlp_headers: Secret = SecretStr("")
    otel_exporter_otlp_traces_headers: Secret = SecretStr("")
    otel_sdk_disabled: str = ""
    otel_traces_exporter: str = ""

    @property
    def wanted(self) -> bool:
        """True if an endpoint is named and nothing turns the export off."""
        off = self.otel_sdk_disabled.strip().lower() == "true" or self.otel_traces_exporter.strip().lower() == "none"
        return bool((self.otel_exporter_otlp_traces_endpoint or self.otel_exporter_otlp_endpoint).strip()) and not off

    @property
    def problem(self) -> str:
        """Why nothing is exported although an endpoint is named, "" for no reason."""
        protocol = (self.otel_exporter_otlp_traces_protocol or self.otel_exporter_otlp_protocol).strip().lower()
        if protocol in {"", _HTTP}:
            return ""
        return f"only the protocol {_HTTP} is supported: set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL to it"

    @property
    def secrets(self) -> Iterable[str]:
        """The values of the headers, which may be tokens: logs must not show them."""
        for headers in (self.otel_exporter_otlp_headers, self.otel_exporter_otlp_traces_headers):
            for each in headers.get_secret_value().split(","):
                value = each.partition("=")[2].strip()
                yield from {value, unquote(value), unquote(value).rpartition(" ")[2]} - {""}

"""What agents may read and propose, and the address at which they may do so over HTTP."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from bot.config.section import Section
from bot.config.types import MAX_PORT, Name, UserId

ServerName = Annotated[str, Field(pattern=r"^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$")]
"""A name or address without a port, as clients write it in their requests."""


class McpSettings(Section):
    """Agents over HTTP are off without a port (0 takes any free one); without `clusters` they may read all.

    With `propose` they may propose changes in the name of the person `owner`.
    """

    host: str = "127.0.0.1"
    port: int | None = Field(None, ge=0, le=MAX_PORT)
    names: Annotated[tuple[ServerName, ...], Field(max_length=20)] = ()
    clusters: tuple[Name, ...] = ()
    propose: bool = False
    owner: UserId | None = None

    @model_validator(mode="after")
    def _named_owner(self) -> Self:
        if self.propose and self.owner is None:
            raise ValueError("mcp.propose needs mcp.owner: name the person in whose name agents propose")
        return self

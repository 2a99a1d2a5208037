"""Section: the base of every part of the settings."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen part of the settings; an unknown key is an error, so that a typo is noticed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

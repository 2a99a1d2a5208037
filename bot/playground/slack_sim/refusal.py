"""How the platform says no: an error code, with what goes along with it."""

from typing import Any


class ApiError(Exception):
    """An answer `{"ok": false, "error": code}`; `extra` is added to it, `detail` is for the list of violations."""

    def __init__(self, code: str, detail: str = "", **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.extra = extra


class ActRefused(Exception):
    """What a person cannot do here; `code` is a word of Slack's, `str()` a sentence for that person."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code

"""Block Kit's text objects, composition objects and interactive elements, with their limits (Slack's reference)."""

from collections.abc import Mapping
from typing import Any

from bot.playground.slack_sim.shapes import Check, Findings, array, by_type, flag, number, one_of, shape, string


def plain(most: int, least: int = 1) -> Check:
    """A plain_text object."""
    return shape({"text": string(most, least), "emoji": flag}, ("text",), kind="plain_text")


def text(most: int) -> Check:
    """A plain_text or mrkdwn object."""
    kinds = {
        "plain_text": plain(most),
        "mrkdwn": shape({"text": string(most), "verbatim": flag}, ("text",)),
    }
    return by_type(kinds, "text object")


def action_id(value: Any, path: str, found: Findings) -> None:
    """An action_id; it must be unique."""
    string(255)(value, path, found)
    if isinstance(value, str):
        found.action_ids.append(value)


def block_id(value: Any, path: str, found: Findings) -> None:
    """A block_id; it must be unique."""
    string(255)(value, path, found)
    if isinstance(value, str):
        found.block_ids.append(value)


CONFIRM = shape(
    {
        "title": plain(100),
        "text": text(300),
        "confirm": plain(30),
        "deny": plain(30),
        "style": one_of("primary", "danger"),
    },
    ("title", "text", "confirm", "deny"),
)

OPTION = shape(
    {"text": text(75), "value": string(150), "description": text(75), "url": string(3000)}, ("text", "value")
)
PLAIN_OPTION = shape(
    {"text": plain(75), "value": string(150), "description": plain(75), "url": string(3000)}, ("text", "value")
)
GROUP = shape({"label": plain(75), "options": array(PLAIN_OPTION, 100)}, ("label", "options"))

IMAGE_ELEMENT = shape({"image_url": string(3000), "alt_text": string(2000)}, ("alt_text", "image_url"))

_ACTS: Mapping[str, Check] = {"action_id": action_id, "confirm": CONFIRM, "focus_on_load": flag}
_PICKS: Mapping[str, Check] = {**_ACTS, "placeholder": plain(150)}


def _options_or_groups(value: Any, path: str, found: Findings) -> None:
    if ("options" in value) == ("option_groups" in value):
        found.wrong(path, "needs either options or option_groups")


def _initial_offered(value: Any, path: str, found: Findings) -> None:
    """Refuse an initial option that does not equal one of the options in every field."""
    groups = value.get("option_groups")
    listed = [value, *(groups if isinstance(groups, list) else ())]
    lists = [each.get("options") for each in listed if isinstance(each, dict)]
    offered = [option for options in lists if isinstance(options, list) for option in options]
    first = value.get("initial_option")
    ticked = value.get("initial_options")
    for option in (*([first] if first is not None else ()), *(ticked if isinstance(ticked, list) else ())):
        if option not in offered:
            found.wrong(path, "initial_option must be one of the options")


def _button(value: Any, path: str, found: Findings) -> None:
    if "url" in value and not str(value["url"]).startswith(("http://", "https://")):
        found.wrong(f"{path}/url", "must be a valid URL")


BUTTON = shape(
    {
        "text": plain(75),
        "action_id": action_id,
        "url": string(3000),
        "value": string(2000),
        "style": one_of("primary", "danger"),
        "confirm": CONFIRM,
        "accessibility_label": string(75),
    },
    ("text",),
    (_button,),
)
STATIC_SELECT = shape(
    {**_PICKS, "options": array(PLAIN_OPTION, 100), "option_groups": array(GROUP, 100), "initial_option": PLAIN_OPTION},
    also=(_options_or_groups, _initial_offered),
)
MULTI_STATIC_SELECT = shape(
    {
        **_PICKS,
        "options": array(PLAIN_OPTION, 100),
        "option_groups": array(GROUP, 100),
        "initial_options": array(PLAIN_OPTION, 100),
        "max_selected_items": number(1, 100, whole=True),
    },
    also=(_options_or_groups, _initial_offered),
)
OVERFLOW = shape({**_ACTS, "options": array(PLAIN_OPTION, 5)}, ("options",))
CHECKBOXES = shape(
    {**_ACTS, "options": array(OPTION, 10), "initial_options": array(OPTION, 10)}, ("options",), (_initial_offered,)
)
RADIO = shape({**_ACTS, "options": array(OPTION, 10), "initial_option": OPTION}, ("options",), (_initial_offered,))
DATE = shape({**_PICKS, "initial_date": string(10, 10)})
TIME = shape({**_PICKS, "initial_time": string(5, 5), "timezone": string(100)})
DATE_TIME = shape({**_ACTS, "initial_date_time": number(1e9, 1e10, whole=True)})
_ID = string(20)
_IDS = array(_ID, 100, 0)
_MAX: Mapping[str, Check] = {"max_selected_items": number(1, 100, whole=True)}
_FILTER = shape(
    {
        "include": array(one_of("im", "mpim", "private", "public"), 4),
        "exclude_external_shared_channels": flag,
        "exclude_bot_users": flag,
    }
)
_PLACES: Mapping[str, Check] = {**_PICKS, "default_to_current_conversation": flag, "filter": _FILTER}
_ANSWERED: Mapping[str, Check] = {"response_url_enabled": flag}
USERS = shape({**_PICKS, "initial_user": _ID})
CONVERSATIONS = shape({**_PLACES, **_ANSWERED, "initial_conversation": _ID})
CHANNELS = shape({**_PICKS, **_ANSWERED, "initial_channel": _ID})

INTERACTIVE: Mapping[str, Check] = {
    "button": BUTTON,
    "static_select": STATIC_SELECT,
    "multi_static_select": MULTI_STATIC_SELECT,
    "overflow": OVERFLOW,
    "checkboxes": CHECKBOXES,
    "radio_buttons": RADIO,
    "datepicker": DATE,
    "timepicker": TIME,
    "datetimepicker": DATE_TIME,
    "users_select": USERS,
    "conversations_select": CONVERSATIONS,
    "channels_select": CHANNELS,
    "multi_users_select": shape({**_PICKS, **_MAX, "initial_users": _IDS}),
    "multi_conversations_select": shape({**_PLACES, **_MAX, "initial_conversations": _IDS}),
    "multi_channels_select": shape({**_PICKS, **_MAX, "initial_channels": _IDS}),
}
"""The elements of an actions block."""

_DISPATCH = shape({"trigger_actions_on": array(one_of("on_enter_pressed", "on_character_entered"), 2)})


def _lengths(value: Any, path: str, found: Findings) -> None:
    least, most = value.get("min_length"), value.get("max_length")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        found.wrong(f"{path}/min_length", "must not be more than max_length")


PLAIN_TEXT_INPUT = shape(
    {
        "action_id": action_id,
        "initial_value": string(3000, 0),
        "multiline": flag,
        "min_length": number(0, 3000, whole=True),
        "max_length": number(1, 3000, whole=True),
        "dispatch_action_config": _DISPATCH,
        "placeholder": plain(150),
        "focus_on_load": flag,
    },
    also=(_lengths,),
)
_TYPED = shape(
    {
        "action_id": action_id,
        "initial_value": string(3000),
        "dispatch_action_config": _DISPATCH,
        "placeholder": plain(150),
        "focus_on_load": flag,
    }
)
NUMBER_INPUT = shape(
    {
        "action_id": action_id,
        "is_decimal_allowed": flag,
        "initial_value": string(100),
        "min_value": string(100),
        "max_value": string(100),
        "placeholder": plain(150),
        "focus_on_load": flag,
    },
    ("is_decimal_allowed",),
)
INPUTS: Mapping[str, Check] = {
    **{kind: check for kind, check in INTERACTIVE.items() if kind not in {"button", "overflow"}},
    "plain_text_input": PLAIN_TEXT_INPUT,
    "email_text_input": _TYPED,
    "url_text_input": _TYPED,
    "number_input": NUMBER_INPUT,
}
"""The elements of an input block."""
ACCESSORIES: Mapping[str, Check] = {**INTERACTIVE, "image": IMAGE_ELEMENT}
"""The accessories of a section."""

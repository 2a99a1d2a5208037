"""The Web API methods that are called, each with the scopes it needs; the app's manifest asks for these and no more."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.common.frozen import frozen

_READ_PUBLIC_AND_PRIVATE = ("channels:read", "groups:read")
_HISTORY = ("channels:history", "groups:history")


@frozen
class Method:
    """One method: its name, its bot scopes, and if a lost answer may mean a post (`posts`)."""

    name: str
    scopes: tuple[str, ...] = ()
    posts: bool = False


AUTH_TEST = Method("auth.test")
CONNECTIONS_OPEN = Method("apps.connections.open")
"""Needs the app token's own scope connections:write, which no manifest names."""
POST = Method("chat.postMessage", ("chat:write",), posts=True)
POST_PRIVATELY = Method("chat.postEphemeral", ("chat:write",), posts=True)
UPDATE = Method("chat.update", ("chat:write",))
DELETE = Method("chat.delete", ("chat:write",))
PERMALINK = Method("chat.getPermalink")
HISTORY = Method("conversations.history", _HISTORY)
REPLIES = Method("conversations.replies", _HISTORY)
CHANNEL = Method("conversations.info", _READ_PUBLIC_AND_PRIVATE)
GROUP_MEMBERS = Method("usergroups.users.list", ("usergroups:read",))
PUBLISH_HOME = Method("views.publish")
OPEN_VIEW = Method("views.open")
UPDATE_VIEW = Method("views.update")
UPLOAD_ADDRESS = Method("files.getUploadURLExternal", ("files:write",))
UPLOAD = Method("upload_url", ("files:write",))
"""Not a method of the Web API: the address that the one before gives for a file's bytes."""
UPLOAD_DONE = Method("files.completeUploadExternal", ("files:write",), posts=True)
VALIDATE = Method("blocks.validate")
RESPOND = Method("response_url", ("commands",), posts=True)
"""No method of the Web API: the address that comes with a command or a click."""

METHODS = (
    AUTH_TEST,
    CONNECTIONS_OPEN,
    POST,
    POST_PRIVATELY,
    UPDATE,
    DELETE,
    PERMALINK,
    HISTORY,
    REPLIES,
    CHANNEL,
    GROUP_MEMBERS,
    PUBLISH_HOME,
    OPEN_VIEW,
    UPDATE_VIEW,
    UPLOAD_ADDRESS,
    UPLOAD,
    UPLOAD_DONE,
    VALIDATE,
    RESPOND,
)

EVENT_SCOPES = frozenset({"app_mentions:read"})
"""Scopes of the events that the manifest subscribes to: app_mention."""
SCOPES = frozenset(scope for method in METHODS for scope in method.scopes) | EVENT_SCOPES
"""All bot scopes that are needed."""

OPTIONAL_SCOPES: Mapping[str, str] = MappingProxyType(
    {
        "channels:history": "a message in a public channel may appear twice after a lost answer of Slack",
        "groups:history": "a message in a private channel may appear twice after a lost answer of Slack",
        "files:write": "/cm audit shows its table without the CSV file",
        "usergroups:read": "roles can be given to users only, not to user groups",
    }
)
"""Scopes that may be left out, and what is lost; `usergroups:read` is needed once the settings name a user group."""

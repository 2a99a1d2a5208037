"""File upload: the bytes go to an address that Slack gives, and are shared afterwards.

Source: the reference pages of files.getUploadURLExternal and files.completeUploadExternal.
"""

import json
from urllib.parse import urlsplit

import aiohttp

from bot.common.errors import SlackError
from bot.common.json_object import JsonObject
from bot.slack.errors import FOREIGN, refused, translated
from bot.slack.methods import UPLOAD

_OK = 200


async def send(
    session: aiohttp.ClientSession, address: str, content: bytes, *, api_url: str, proxy: str | None = None
) -> None:
    """Send the bytes; the token does not go with them. Raises SlackError, SlackRetryable."""
    _check(address, api_url)
    headers = {"Content-Type": "application/octet-stream"}
    try:
        async with session.post(address, data=content, headers=headers, allow_redirects=False, proxy=proxy) as response:
            pass  # what it says besides its status is for people
    except FOREIGN as error:
        raise translated(error, UPLOAD, proxy) from error
    if response.status != _OK:
        raise refused(response.status, response.headers, None, UPLOAD)


def sharing(file: str, channel: str, *, title: str, comment: str, thread_ts: str | None) -> JsonObject:
    """Return the arguments that share an uploaded file; lists are JSON text, because they are sent as form fields."""
    thread = {"thread_ts": thread_ts} if thread_ts else {}
    files = json.dumps([{"id": file, "title": title}])
    return {"files": files, "channel_id": channel, "initial_comment": comment, **thread}


def _check(address: str, api_url: str) -> None:
    """Raise SlackError unless the address is https or on the server of the configured API."""
    try:
        parts, api = urlsplit(address), urlsplit(api_url)
    except ValueError:
        parts = api = urlsplit("")
    same = (parts.scheme, parts.netloc) == (api.scheme, api.netloc)
    if not parts.hostname or not (parts.scheme == "https" or same):
        raise SlackError("Slack gave no valid address for the file.", code="invalid_upload_url")

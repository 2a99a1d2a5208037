"""Slack checks of `cmbot check`: tokens, scopes, channels, groups, each with its fix."""

from collections.abc import Mapping, Sequence

from bot.common.errors import SlackError
from bot.common.frozen import frozen
from bot.slack.client import Channel, SlackClient
from bot.slack.methods import OPTIONAL_SCOPES, SCOPES
from bot.slack.tokens import Fault, bot_fault, delivery_fault
from bot.views.blocks import count


@frozen
class Checked:
    """One line of the table: the subject, the result, the finding, and the fix; `warns` marks a warning."""

    what: str
    ok: bool
    words: str
    fix: str = ""
    warns: bool = False


_REINSTALL = "reinstall the app from its page at api.slack.com/apps (Install App), then copy the new token"
_INVITE = "type /invite @cmbot in it"
FIXES: Mapping[str, str] = {
    "invalid_auth": "copy the token again from the app's page; bot tokens start with xoxb-, app tokens with xapp-",
    "not_authed": "set SLACK_BOT_TOKEN",
    "token_revoked": _REINSTALL,
    "token_expired": _REINSTALL,
    "account_inactive": _REINSTALL,
    "not_allowed_token_type": "SLACK_BOT_TOKEN takes the xoxb- token, SLACK_APP_TOKEN the xapp- token: swapped?",
    "team_access_not_granted": "let an admin of the organisation grant the app access to the workspace",
    "missing_scope": "compare the app's scopes with app_manifest.yaml, then reinstall the app",
    "channel_not_found": f"correct the id, or, when the channel is private, {_INVITE}",
    "no_such_subteam": "correct the user group's id (it starts with S), or enable the group",
    "unreachable": "check the network, the proxy and slack.api_url",
    "proxy_unreachable": "check the address of the proxy: SLACK_PROXY, slack.proxy, else HTTPS_PROXY",
    "proxy_refused": "let the proxy's administrator allow slack.com and its subdomains, or check SLACK_PROXY",
    "untrusted_certificate": "set SSL_CERT_FILE to a PEM file with the authority of the proxy that opens connections",
    "tls_failed": "check slack.api_url, and whether a proxy stands in front of Slack",
    "redirected": "check slack.api_url, and whether a proxy or a login page stands in front of Slack",
    "timeout": "check the network, the proxy and slack.api_url",
}


def fix_of(code: str) -> str:
    """Return the next step for an error code of Slack."""
    return FIXES.get(code, "look the error up on the method's page at docs.slack.dev")


async def check_slack(
    gateway: SlackClient,
    *,
    app_token: str,
    signing_secret: str,
    channels: Mapping[str, str],
    groups: Sequence[str],
) -> tuple[Checked, ...]:
    """Check everything; `channels` maps each id to its settings key. Never raises SlackError."""
    token = await _bot_token(gateway, needs_groups=bool(groups))
    delivery = await _delivery(gateway, app_token, signing_secret)
    if not token[0].ok:
        # Without a valid token each further line would fail in the same way.
        what = f"{count(len(channels), 'channel')}, {count(len(groups), 'user group')}"
        unseen = Checked(
            what, ok=False, words="not checked, because the bot token does not work", fix="fix the bot token first"
        )
        return (*token, delivery, unseen)
    named = [await _channel(gateway, channel, where) for channel, where in channels.items()]
    return (*token, delivery, *named, *[await _group(gateway, group) for group in groups])


def _faulty(fault: Fault) -> Checked:
    """Return the line of a fault that is found without a call."""
    return Checked(fault.what, ok=False, words=fault.words, fix=fault.fix)


async def _bot_token(gateway: SlackClient, *, needs_groups: bool) -> tuple[Checked, ...]:
    if fault := bot_fault(gateway.token):
        return (_faulty(fault),)
    try:
        me = await gateway.auth_test()
    except SlackError as error:
        return (_failed("bot token", error),)
    known = Checked("bot token", ok=True, words=f"works: {me.user} in {me.team or 'the workspace'}")
    return (known, *_scopes(me.scopes, needs_groups=needs_groups))


def _scopes(granted: frozenset[str], *, needs_groups: bool) -> tuple[Checked, ...]:
    """Return a line for the scopes that are needed, and a warning for each one that may be left out and is."""
    optional = OPTIONAL_SCOPES.keys() - ({"usergroups:read"} if needs_groups else set())
    missing = sorted(SCOPES - granted)
    needed = [scope for scope in missing if scope not in optional]
    if not missing:
        return (Checked("scopes", ok=True, words=f"all {len(SCOPES)} are granted"),)
    without = tuple(
        Checked(f"scope {scope}", ok=True, words=f"not granted: {OPTIONAL_SCOPES[scope]}", warns=True)
        for scope in missing
        if scope in optional
    )
    if not needed:
        return (Checked("scopes", ok=True, words="all that are needed are granted"), *without)
    line = Checked("scopes", ok=False, words=f"missing: {', '.join(needed)}", fix=FIXES["missing_scope"])
    return (line, *without)


async def _delivery(gateway: SlackClient, app_token: str, signing_secret: str) -> Checked:
    if fault := delivery_fault(app_token, signing_secret):
        return _faulty(fault)
    if not app_token:
        words = "set, for HTTP; only Slack's first delivery shows whether it is right"
        return Checked("signing secret", ok=True, words=words)
    try:
        await gateway.socket_address(app_token)
    except SlackError as error:
        return _failed("app token", error)
    return Checked("app token", ok=True, words="works: Socket Mode opens")


async def _channel(gateway: SlackClient, channel: str, where: str) -> Checked:
    what = f"channel {channel} ({where})"
    try:
        return _channel_checked(what, await gateway.channel_info(channel))
    except SlackError as error:
        return _failed(what, error)


def _channel_checked(what: str, seen: Channel) -> Checked:
    if seen.archived:
        return Checked(what, ok=False, words=f"#{seen.name} is archived", fix="name another channel, or unarchive it")
    if not seen.member:
        return Checked(what, ok=False, words=f"cmbot is not in #{seen.name}", fix=_INVITE)
    if seen.shared:
        words = f"#{seen.name} is shared with another organisation: what is posted there can be read outside yours"
        return Checked(what, ok=True, words=words, fix="name a channel of your organisation alone", warns=True)
    return Checked(what, ok=True, words=f"#{seen.name}")


async def _group(gateway: SlackClient, group: str) -> Checked:
    what = f"user group {group}"
    try:
        members = await gateway.group_members(group)
    except SlackError as error:
        return _failed(what, error)
    if not members:
        return Checked(what, ok=False, words="has no members", fix="add people to it, or name another group")
    return Checked(what, ok=True, words=f"{len(members)} member{'' if len(members) == 1 else 's'}")


def _failed(what: str, error: SlackError) -> Checked:
    return Checked(what, ok=False, words=str(error), fix=fix_of(error.code))

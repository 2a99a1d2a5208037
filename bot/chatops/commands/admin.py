"""/cm admin: what concerns cmbot itself."""

from collections.abc import AsyncIterator

from bot.chatops.commands.stat import NoArgs
from bot.common.errors import UserError
from bot.interactions.command import Call, Command, Reply, Scope
from bot.permissions.roles import Role
from bot.views.reload import reloaded


async def run_reload(call: Call, _: NoArgs) -> AsyncIterator[Reply]:
    """Read the settings again, on every replica."""
    await call.access.require(call.caller.user, Role.ADMIN, "")
    if call.settings is None:
        raise UserError("This process cannot read its settings again. Restart it.")
    yield Reply(reloaded(await call.settings.reload(call.caller.user, everywhere=True)))


RELOAD = Command(
    path=("admin", "reload"),
    summary="Read the settings and the secrets in files again, on every replica.",
    args=NoArgs,
    run=run_reload,
    scope=Scope.NO_CLUSTER,
    role=Role.ADMIN,
    changes=True,
    examples=("/cm admin reload",),
    notes=(
        "The new settings are validated first; if anything is wrong, the old ones stay as a whole. Environment "
        "variables keep their values until a restart."
    ),
    manual="configuration.md",
)

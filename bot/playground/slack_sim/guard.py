"""The doors of the local server: loopback names only, no foreign page, nothing cached or loaded from elsewhere."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from aiohttp import web

from bot.playground.slack_sim.acting import ActError
from bot.playground.slack_sim.refusal import ActRefused

POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
MARK = "X-Playground"
"""The header (value 1) that every acting request carries: no foreign page can send it without being asked for leave."""
_GUARDED = ("/play/", "/control/")
_SAFE = frozenset({"GET", "HEAD"})
_NAMES = frozenset({"127.0.0.1", "localhost"})
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def refusal(host: str, path: str, method: str, headers: Mapping[str, str]) -> str:
    """Why a request is turned away, "" when it is not. DNS rebinding shows in Host, other sites in the headers."""
    if host.rpartition(":")[0] not in _NAMES and host not in _NAMES:
        return "wrong_host"
    if not path.startswith(_GUARDED):
        return ""
    if headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}:
        return "cross_site"
    if headers.get("Origin", f"http://{host}") != f"http://{host}":
        return "cross_site"
    return "cross_site" if method not in _SAFE and headers.get(MARK) != "1" else ""


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn away what comes from elsewhere; what a person cannot do is told as JSON."""
    why = refusal(request.headers.get("Host", ""), request.path, request.method, request.headers)
    if why:
        return web.json_response({"ok": False, "error": why}, status=HTTPStatus.FORBIDDEN)
    try:
        return await handler(request)
    except ActRefused as error:
        told = {"ok": False, "error": error.code, "message": str(error)}
        confirm = error.confirm if isinstance(error, ActError) else None
        return web.json_response(told | ({"confirm": confirm} if confirm else {}))


async def harden(_request: web.Request, response: web.StreamResponse) -> None:
    """Put the protective headers on an answer before it is sent."""
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"

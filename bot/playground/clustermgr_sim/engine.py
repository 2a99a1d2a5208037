"""Service of one request by one node: token, forwarding to the leader, routing, waits for raft, trace headers."""

import base64
import binascii
import hashlib
import hmac
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.playground.clustermgr_sim import api, metrics
from bot.playground.clustermgr_sim.answer import (
    CUT,
    Answer,
    ApiError,
    Call,
    argument_answer,
    error_answer,
    json_answer,
    no_leader,
    ok,
)
from bot.playground.clustermgr_sim.args import NOTHING, ArgumentError, from_body, from_query
from bot.playground.clustermgr_sim.background import Background
from bot.playground.clustermgr_sim.clock import Clock
from bot.playground.clustermgr_sim.endpoints import Args, Change, Context, Endpoint, Routes
from bot.playground.clustermgr_sim.flavour import Flavour
from bot.playground.clustermgr_sim.nodes import Node, Role
from bot.playground.clustermgr_sim.raft import Raft
from bot.playground.clustermgr_sim.stat import leader_host, recount, render

_AUTH_HEADER = "blob-store-auth-token"
_STAMP_BYTES = 8
_TOKEN_BYTES = 24


def _sign(path: str, query: str, stamp: bytes, secret: str) -> str:
    """The token for a decoded path and a raw query; `stamp` is the time as 8 bytes, little-endian."""
    digest = hashlib.md5(path.encode() + query.encode() + stamp + secret.encode(), usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(stamp + digest).decode()


def token_is_valid(call: Call, secret: str, *, undecodable_passes: bool) -> bool:
    """True if the token is valid. Its time is not checked; the oldest release accepts an undecodable token."""
    token = call.headers.get(_AUTH_HEADER, "")
    if not token:
        return False
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return undecodable_passes
    if len(raw) != _TOKEN_BYTES:
        return undecodable_passes
    expected = _sign(call.path, call.query, raw[:_STAMP_BYTES], secret)
    return hmac.compare_digest(base64.urlsafe_b64decode(expected), raw)


_MAX_HOPS = 3
Gate = Callable[[int], Awaitable[object]]
_STEPS_OF_A_WAIT = 100
_FORM = "application/x-www-form-urlencoded"


class NodeDied(Exception):
    """The process ended while it served the request."""


class Engine:
    """Request handling of all nodes of one raft group.

    `addresses` are the service addresses in the nodes' files; `gate` returns when that node is not paused.
    """

    def __init__(
        self,
        raft: Raft,
        flavour: Flavour,
        clock: Clock,
        *,
        addresses: dict[int, str],
        gate: Gate,
        secret: str = "",
        rng: random.Random,
    ) -> None:
        self.raft = raft
        self.flavour = flavour
        self.clock = clock
        self.addresses = addresses
        self.secret = secret
        self._rng = rng
        self._gate = gate
        self.background = Background(raft, flavour)
        self._next_count = clock.now() + raft.timing.refresh
        self._next_report = clock.now()
        stat = Endpoint("GET", "/stat", NOTHING, self._stat, linear=False)
        self._routes = Routes((stat, *(e for e in api.ENDPOINTS if e.only(flavour))))
        recount(raft, flavour)

    def tick(self) -> None:
        """Apply all events that are due."""
        now, refresh = self.clock.now(), self.raft.timing.refresh
        if refresh <= 0:
            recount(self.raft, self.flavour)
        while refresh > 0 and self._next_count <= now:
            self._advance(self._next_count)
            recount(self.raft, self.flavour)
            self._next_count += refresh
        self._advance(now)
        if self._next_report <= now:
            self._next_report = now + self.raft.timing.report
            for node in self.raft.nodes.values():
                if node.runs:
                    node.reported = metrics.report(self.raft, node)

    def _advance(self, now: float) -> None:
        self.raft.advance(now)
        self.background.advance(now)

    def recount(self) -> None:
        """Count the disks now, on every node."""
        recount(self.raft, self.flavour)

    async def handle(self, node_id: int, call: Call) -> Answer:
        """Return the answer of this node with its trace headers."""
        self.tick()
        node = self.raft.nodes[node_id]
        methods = self._routes.methods(call.path)
        if call.method == "OPTIONS" and methods:
            return ok().with_headers(("Allow", methods))
        try:
            answer = await self._admit(node, call, 0)
        except NodeDied:
            return CUT
        if answer.cut:
            return answer
        reqid = call.headers.get("x-reqid") or f"{self._rng.getrandbits(64):016x}"
        return _sorted(answer.with_headers(("Blobstore-Tracer-Traceid", reqid)))

    async def _held(self, node: Node) -> None:
        """Wait as a new leader does before each request."""
        delay = node.hold_until - self.clock.now()
        if node.role is Role.LEADER and delay > 0:
            await self.clock.sleep(delay)
            self.tick()

    async def _admit(self, node: Node, call: Call, hops: int) -> Answer:
        await self._held(node)
        page = api.page(call.path, node.reported) if call.method == "GET" else None
        if page is not None and self.flavour.open_pages:
            return _traced(page)
        if self.secret and not token_is_valid(
            call, self.secret, undecodable_passes=self.flavour.undecodable_token_passes
        ):
            return _traced(Answer(403))
        if page is not None:
            return _traced(page)
        if call.method not in {"GET", "HEAD"} and node.role is not Role.LEADER:
            return await self._forward(node, call, hops)
        return _traced(await self._serve(node, call))

    async def _forward(self, node: Node, call: Call, hops: int) -> Answer:
        if node.leader == 0 or not leader_host(self.raft, node, self.flavour, self.addresses):
            return _traced(no_leader())
        target = self.raft.nodes.get(node.leader)
        if target is None or not target.up or hops == _MAX_HOPS:
            return _traced(Answer(502))
        await self._gate(target.node_id)
        try:
            answer = await self._admit(target, call, hops + 1)
        except NodeDied:
            return _traced(Answer(502))
        return _traced(Answer(502) if answer.cut else answer)

    async def _serve(self, node: Node, call: Call) -> Answer:
        endpoint = self._routes.find(call.method, call.path)
        if isinstance(endpoint, Answer):
            return endpoint
        try:
            if endpoint.method == "POST" and call.headers.get("transfer-encoding", "").lower() == "chunked":
                return await self._run_chunked(node, endpoint, call)
            return await self._run(node, endpoint, call)
        except ArgumentError as error:
            return argument_answer(str(error))
        except ApiError as error:
            return error_answer(error.status, error.words)

    async def _run_chunked(self, node: Node, endpoint: Endpoint, call: Call) -> Answer:
        return CUT if self.flavour.chunked_body_panics else await self._run(node, endpoint, call)

    async def _run(self, node: Node, endpoint: Endpoint, call: Call) -> Answer:
        args = self._args(endpoint, call)
        context = Context(self.raft, node, self.flavour, call.path)
        if endpoint.method == "GET" and endpoint.linear:
            await self._confirm_read(node)
        outcome = endpoint.run(context, args)
        if isinstance(outcome, Answer):
            return outcome
        await self._agree(node, outcome)
        return outcome.answer()

    def _args(self, endpoint: Endpoint, call: Call) -> Args:
        if endpoint.method == "GET" or endpoint.in_query:
            return from_query(endpoint.struct, call.query)
        if self.flavour.form_type_refused and call.headers.get("content-type", "").startswith(_FORM):
            raise ArgumentError("EOF")
        return from_body(endpoint.struct, call.body)

    def _stat(self, context: Context, _args: Args) -> Answer:
        return json_answer(render(self.raft, context.node, self.flavour, self.addresses, self._rng))

    async def _confirm_read(self, node: Node) -> None:
        """Wait for a quorum before a linear read; raises ApiError (908)."""
        deadline = self.clock.now() + self.raft.timing.wait
        while not self.raft.readable(node):
            if self.clock.now() >= deadline:
                raise ApiError(908, "raft read index error")
            await self._pass_time(node)

    async def _agree(self, node: Node, change: Change) -> None:
        """Propose and wait; raises ApiError with the release's words for a proposal that did not finish in time."""
        proposal = self.raft.propose(node, change.apply)
        deadline = self.clock.now() + self.raft.timing.wait
        while not proposal.done:
            if self.clock.now() >= deadline:
                raise ApiError(*change.timeout)
            await self._pass_time(node)

    async def _pass_time(self, node: Node) -> None:
        await self.clock.sleep(self.raft.timing.wait / _STEPS_OF_A_WAIT)
        await self._gate(node.node_id)
        if not node.up:
            raise NodeDied
        self.tick()


def _traced(answer: Answer) -> Answer:
    """Add the trace headers of one server; a forwarded answer has them twice."""
    return answer.with_headers(("Trace-Log", "CLUSTERMGR"), ("Trace-Tags", "span.kind:server"))


def _sorted(answer: Answer) -> Answer:
    """Sort headers by name as Go does, except a content type that it had to detect."""
    if answer.body.startswith("usage:"):
        found = [header for header in answer.headers if header[0] == "Content-Type"]
        return replace(answer, headers=(*(h for h in answer.headers if h[0] != "Content-Type"), *found))
    return answer

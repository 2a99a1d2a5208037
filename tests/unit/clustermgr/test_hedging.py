"""Hedged reads over several hosts: the answer that counts, the error when all fail, no task left."""

import asyncio
import gc
from typing import Any

import pytest

from bot.clustermgr.hedging import first_answer
from bot.common.errors import AuthRejected, ClusterError, ClusterFailed, ClusterRefused, ClusterUnreachable, NoLeader


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.clustermgr.hedging.HEDGE_SECONDS", 0.001)


async def test_errors_that_come_together_are_all_fetched() -> None:
    """Three hosts that refuse in the same moment are one refusal, without complaints about the other two."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    everybody = asyncio.Event()
    asked: list[str] = []

    async def ask(host: str) -> str:
        asked.append(host)
        if len(asked) == 3:
            everybody.set()
        await everybody.wait()
        raise ClusterRefused("no", host=host)

    with pytest.raises(ClusterRefused):
        await first_answer(ask, ["a", "b", "c"])
    gc.collect()
    await asyncio.sleep(0)
    assert (asked, complaints) == (["a", "b", "c"], [])


async def test_the_first_answer_ends_the_others() -> None:
    """A host that hangs is not waited for, and its question is withdrawn."""
    withdrawn = asyncio.Event()

    async def ask(host: str) -> str:
        if host == "b":
            return "yes"
        try:
            await asyncio.Event().wait()
        finally:
            withdrawn.set()
        return "never"

    assert await first_answer(ask, ["a", "b"]) == "yes"
    assert withdrawn.is_set()


@pytest.mark.parametrize(
    ("kinds", "raised"),
    [
        ((ClusterUnreachable, ClusterFailed), ClusterUnreachable),
        ((ClusterFailed, NoLeader), NoLeader),
        ((ClusterFailed, AuthRejected), AuthRejected),
        ((ClusterFailed, ClusterRefused), ClusterRefused),
    ],
)
async def test_error_when_every_host_failed(kinds: tuple[type[ClusterError], ...], raised: type[ClusterError]) -> None:
    """The first error, unless a later host gave one about the cluster itself."""
    errors = {f"host{number}": kind("no", host=f"host{number}") for number, kind in enumerate(kinds)}

    async def ask(host: str) -> str:
        raise errors[host]

    with pytest.raises(ClusterError) as caught:
        await first_answer(ask, list(errors))
    assert type(caught.value) is raised


async def test_every_silent_host_is_named_when_none_answers() -> None:
    """Each of the first few with its own text; the kind of error is that of the first."""

    async def ask(host: str) -> str:
        raise (ClusterUnreachable if host == "a" else ClusterFailed)(f"{host} said no.", host=host)

    with pytest.raises(ClusterUnreachable) as caught:
        await first_answer(ask, list("abcdefg"))
    assert str(caught.value) == "a said no. b said no. c said no. d said no. e said no. And 2 more failed."
    assert caught.value.host == "a"


async def test_programming_error_is_raised() -> None:
    """What is no cluster's doing comes through as it is."""

    async def ask(host: str) -> str:
        raise KeyError(host)

    with pytest.raises(KeyError):
        await first_answer(ask, ["a", "b"])

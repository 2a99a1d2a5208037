"""What reading commands get without Slack: the stored state of either database, and nothing is written or migrated."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from bot.alerting.cluster_state.state import ClusterState
from bot.cli.terminal.ask import ask, parsed
from bot.cli.terminal.exit_status import Exit
from bot.cli.terminal.show import as_json
from bot.common.errors import UserError
from bot.config import Secrets, Settings, parse
from bot.runtime.reading import reading
from bot.store.database import Store

ALONE = 'clusters: [{name: prod, hosts: ["127.0.0.1:1"], alert_channel: C0A, answer_deadline: 1s}]'


def settings_of(url: str) -> Settings:
    """Settings of a cluster that is away, with this database."""
    return parse(ALONE, secrets=Secrets(cmbot_store_url=SecretStr(url)), environment={})


async def test_the_stored_state_is_read(database_url: str) -> None:
    async with Store.open(database_url) as store:
        await store.migrate()
        async with store.begin() as uow:
            await uow.cluster_states.put("prod", ClusterState(at=1_700_000_000.0, level="healthy", verdict="Fine."))
    async with reading(settings_of(database_url)) as reader:
        for command, status in (("clusters", Exit.HEALTHY), ("alerts", Exit.HEALTHY), ("ops", Exit.HEALTHY)):
            answers = await ask(reader, parsed(command, ["prod"]))
            assert [each.status for each in answers] == [status], command
        assert reader.without_store == ""
        [found] = as_json("clusters", await ask(reader, parsed("clusters", ["prod"])), at=1.0, without_store="")[
            "results"
        ]
        assert (found["level"], found["at"]) == ("healthy", "2023-11-14T22:13:20Z")
        [answer] = await ask(reader, parsed("stat", ["prod"]))
        assert answer.status is Exit.UNKNOWN


async def test_a_database_of_another_schema_is_left_alone(database_url: str) -> None:
    """It is not migrated, because a bot of another release may use it."""
    async with Store.open(database_url) as store:
        await store.migrate("0001")
        before = await store.revision()
    async with reading(settings_of(database_url)) as reader:
        assert "cmbot migrate" in reader.without_store
        [answer] = await ask(reader, parsed("alerts", ["prod"]))
        assert (answer.reply, answer.status) == (None, Exit.UNKNOWN)
        assert "schema" in answer.error
    async with Store.open(database_url) as store:
        assert await store.revision() == before


async def test_what_changes_a_cluster_is_refused() -> None:
    async with reading(settings_of("sqlite:////nowhere/cmbot.db")) as reader:
        call = reader.call("prod")
        with pytest.raises(UserError, match="in Slack only"):
            await call.operations.cancel(replace(call.caller, user="U1"), 1)
        with pytest.raises(UserError, match="in Slack only"):
            await call.proposer.propose(call.caller, call.the_cluster, None)  # type: ignore[arg-type]

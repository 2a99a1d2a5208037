"""Any arguments of an agent: a proposal that the running program could take, or a refusal in a sentence."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.chatops.commands.arguments import validated
from bot.chatops.commands.members import ChangeArgs
from bot.chatops.forms.fields import KINDS, kind_of
from bot.cli.agents.propose import ProposeInput, proposal_of
from bot.common.errors import UserError
from bot.interactions.events import AgentProposal
from bot.views.errors import error_text

KEYS = sorted(kind.key for kind in KINDS if kind.policies)
NAMES = (
    "task",
    "for",
    "dialect",
    "peer_id",
    "host",
    "node",
    "as",
    "dead",
    "new",
    "id",
    "ids",
    "force",
    "reason",
    "dry_run",
)
texts = st.text(max_size=40) | st.sampled_from(
    ["balance", "7", "10.0.0.4:10110", "yes", "no", "7 8", "\u202e1", "<!here>"]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = scalars | st.lists(scalars, max_size=4) | st.dictionaries(texts, scalars, max_size=2)
arguments = st.fixed_dictionaries(
    {
        "change": st.sampled_from(KEYS) | texts,
        "cluster": st.sampled_from(["prod", "PROD", "other"]) | texts,
        "reason": st.text(max_size=310) | st.just("too slow"),
    },
    optional={
        "arguments": st.dictionaries(st.sampled_from(NAMES) | texts, values, max_size=4) | values,
        "dry_run": values,
        "approve": values,
    },
)


def tried(given_arguments: dict[str, Any]) -> tuple[AgentProposal | None, str]:
    """The proposal, or the words of the refusal."""
    try:
        return proposal_of(given_arguments, ("prod",), "U0ANNA"), ""
    except UserError as error:
        return None, error_text(error)


@given(arguments)
def test_arguments_of_an_agent_become_a_valid_proposal_or_a_refusal(given_arguments: dict[str, Any]) -> None:
    work, words = tried(given_arguments)
    if work is None:
        assert words
        return
    kind = kind_of(work.command)
    assert kind is not None
    assert kind.policies
    assert (work.user, work.cluster) == ("U0ANNA", "prod")
    assert all(value.isprintable() for value in work.values.values())
    assert "force" not in work.values
    assert 0 < len(work.values["reason"]) <= 300
    assert work.values["dry_run"] in {"yes", "no"}
    assert isinstance(args := validated(kind.command, work.values), ChangeArgs)
    assert args.force == "no"


def test_every_change_with_a_card_is_offered_with_its_arguments() -> None:
    schema = ProposeInput.model_json_schema()
    assert sorted(schema["properties"]["change"]["enum"]) == KEYS
    described = schema["properties"]["arguments"]["description"]
    assert "task disable: task" in described
    assert "member add: peer_id, host, node (optional), as (learner|normal) (optional)" in described
    assert "force" not in described

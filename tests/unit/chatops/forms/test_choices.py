"""What a form offers of a cluster, and what it says when the cluster does not."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from bot.chatops.forms.choices import Offers, read
from bot.clustermgr.models import Snapshot
from bot.clustermgr.tasks import TASKS, DetectedDialect, Dialect, DialectEvidence, EvidenceKind
from bot.interactions.command import Offer
from tests.support.in_memory_ports import FakeCluster
from tests.support.view_samples import healthy, leaderless
from tests.support.watch_builders import polled as snapshot


@pytest.mark.parametrize("offer", [Offer.PEER, Offer.FOLLOWER])
async def test_leader_is_no_target_of_any_change(offer: Offer) -> None:
    seen = healthy()
    assert seen.leader is not None
    leader = str(seen.leader[1].raft_status.leader)
    offers = await read(FakeCluster(seen=[seen]), frozenset({offer}))
    assert [choice.value for choice in offers.choices[offer]] == [each for each in ("1", "2", "3") if each != leader]
    assert offers.notes == ()


async def test_learner_is_removed_but_does_not_lead() -> None:
    seen = snapshot(3.0, peers={3: {"is_learner": True}})
    offers = await read(FakeCluster(seen=[seen]), frozenset({Offer.PEER}))
    assert [choice.label for choice in offers.choices[Offer.PEER]][-1].startswith("peer 3 · learner")
    assert [choice.value for choice in offers.choices[Offer.FOLLOWER]] == ["2"]


async def test_lost_member_is_first_to_be_removed_and_last_to_lead() -> None:
    seen = snapshot(3.0, silent=(2,), peers={2: {"active": False}})
    offers = await read(FakeCluster(seen=[seen]), frozenset({Offer.PEER}))
    assert [choice.value for choice in offers.choices[Offer.PEER]] == ["2", "3"]
    assert [choice.value for choice in offers.choices[Offer.FOLLOWER]] == ["3", "2"]


async def test_member_alone_has_no_target() -> None:
    offers = await read(FakeCluster(seen=[snapshot(3.0, nodes=(1,), members=(1,))]), frozenset({Offer.PEER}))
    assert offers.choices == {Offer.PEER: (), Offer.FOLLOWER: ()}
    assert offers.notes == ("Peer 1 leads prod, and no other member can be chosen.",)


async def test_form_without_leader_takes_a_typed_id() -> None:
    offers = await read(FakeCluster(seen=[leaderless()]), frozenset({Offer.PEER}))
    assert offers.choices == {}
    assert offers.notes == ("Type the id of the peer: the members of prod cannot be read now.",)


class Hanging(FakeCluster):
    """A cluster whose looks never come; notes that the look was given up."""

    given_up = False

    async def snapshots(self, *, bad_disks: bool = True, switches: tuple[str, ...] = ()) -> AsyncGenerator[Snapshot]:
        assert (bad_disks, bool(switches)) in {(False, True), (False, False)}
        try:
            await asyncio.Event().wait()
            yield healthy()
        finally:
            self.given_up = True


async def test_a_silent_cluster_does_not_stop_the_form() -> None:
    cluster = Hanging(verdict=None)
    assert (await read(cluster, frozenset({Offer.PEER}), within=0.01)).choices == {}
    assert cluster.given_up
    offers = await read(cluster, frozenset({Offer.TASK}), within=0.01)
    assert [choice.value for choice in offers.choices[Offer.TASK]] == [task.name for task in TASKS]
    assert not offers.dialect_known
    assert "cannot be read now" in offers.notes[0]
    assert "is not known how prod spells" in offers.notes[1]


async def test_tasks_are_those_of_the_dialect() -> None:
    seen = Snapshot("prod", 1.0, healthy().answers, switches={"balance": "true", "disk_repair": None})
    cluster = FakeCluster(seen=[seen], verdict=DetectedDialect(Dialect.V3, DialectEvidence(EvidenceKind.PINNED)))
    offers = await read(cluster, frozenset({Offer.TASK}))
    labels = [choice.label for choice in offers.choices[Offer.TASK]]
    assert "balance · on" in labels
    assert "disk_repair · unset" in labels
    assert "disk_drop" in labels, "not read: without its state"


@pytest.mark.parametrize(("dialect", "needed"), [(Dialect.V3, True), (Dialect.V1, False), (None, False)])
@pytest.mark.parametrize("wanted", [frozenset[Offer](), frozenset({Offer.PEER})])
async def test_service_address_is_needed_by_releases_known_to_refuse_without(
    dialect: Dialect | None, needed: bool, wanted: frozenset[Offer]
) -> None:
    cluster = FakeCluster(seen=[healthy()], verdict=DetectedDialect(dialect, DialectEvidence(EvidenceKind.NO_SIGN)))
    assert (await read(cluster, wanted, service=True)).needs_service is needed
    assert not (await read(cluster, wanted)).needs_service


async def test_change_without_cluster_facts_sends_no_request() -> None:
    cluster = FakeCluster()
    assert await read(cluster, frozenset()) == Offers()
    assert cluster.read == []

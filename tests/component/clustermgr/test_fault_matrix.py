"""Every call of a cluster against every fault of a host, over real sockets, each with its specified outcome."""

from collections.abc import Awaitable, Callable, Mapping
from inspect import getmembers, isfunction

import pytest

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.disk_states import DiskListing, DiskTally
from bot.clustermgr.tasks import Dialect
from bot.clustermgr.transport import Timeouts
from bot.common.errors import (
    AuthRejected,
    ClusterBadAnswer,
    ClusterError,
    ClusterFailed,
    ClusterRefused,
    ClusterTimeout,
    ClusterUnreachable,
    NoLeader,
    NotFound,
    OutcomeUnknown,
)
from tests.support.fault_matrix import cells
from tests.support.fault_server import FAULTS, SILENT, faulty, trusting
from tests.support.raw_server import says, serving

SHORT = Timeouts(connect=10.0, read=0.2, read_total=0.3, write_read=0.2, write_total=0.3)
LONG = Timeouts(connect=10.0, read=10.0, read_total=20.0, write_read=10.0, write_total=20.0)

Call = Callable[[ClustermgrClient, str], Awaitable[object]]
READS: Mapping[str, Call] = {
    "stat": lambda api, host: api.stat(host),
    "config_get": lambda api, _: api.config_get("balance"),
    "disk_list": lambda api, _: api.disk_list(status=2),
    "disk_tally": lambda api, _: api.disk_tally(lambda: DiskTally(DiskListing(()), lambda *_: True, 20)),
    "disk_dropping": lambda api, _: api.disk_dropping(),
    "disk_chunks": lambda api, _: api.disk_chunks(7),
    "disk_units": lambda api, _: api.disk_units(7),
    "volume": lambda api, _: api.volume(7),
    "volumes": lambda api, _: api.volumes(),
    "disk_info": lambda api, _: api.disk_info(7),
    "node_info": lambda api, _: api.node_info(2),
    "services": lambda api, _: api.services(),
    "dashboard": lambda api, host: api.dashboard(host),
    "stored_values": lambda api, host: api.stored_values(host, Dialect.V3),
    "kv_list": lambda api, host: api.kv_list(host),
    "config_list": lambda api, host: api.config_list(host),
}
WRITES: Mapping[str, Call] = {
    "config_set": lambda api, _: api.config_set("balance", "true"),
    "member_add": lambda api, _: api.member_add(4, "10.0.0.4:10110", learner=True),
    "member_remove": lambda api, _: api.member_remove(3),
    "leadership_transfer": lambda api, _: api.leadership_transfer(2),
    "disk_set_broken": lambda api, _: api.disk_set_broken(7),
    "disk_access": lambda api, _: api.disk_access(7, readonly=True),
    "disk_drop": lambda api, _: api.disk_drop(7),
    "node_drop": lambda api, _: api.node_drop(2),
}
SENT_NOTHING = (
    "refused",
    "untrusted certificate",
    "expired certificate",
    "certificate of another name",
    "plain HTTP where TLS is asked",
)
Outcome = tuple[type[ClusterError], type[ClusterError]]
REFUSED: Mapping[str, Outcome] = {
    **dict.fromkeys(("400", "401", "404", "405", "429", "910", "999"), (ClusterRefused, ClusterRefused)),
    "HTTP on a TLS port of Go": (ClusterBadAnswer, ClusterRefused),
    **dict.fromkeys(("408", "499"), (ClusterRefused, OutcomeUnknown)),
    **dict.fromkeys(("904", "911"), (NotFound, NotFound)),
    "403": (AuthRejected, AuthRejected),
    "907": (NoLeader, NoLeader),
    **dict.fromkeys(("500", "502", "503", "504", "906", "908"), (ClusterFailed, OutcomeUnknown)),
    **dict.fromkeys(("black hole", "drip"), (ClusterTimeout, OutcomeUnknown)),
    **dict.fromkeys(SENT_NOTHING, (ClusterUnreachable, ClusterUnreachable)),
}


def outcome(fault: str) -> Outcome:
    """The errors of a read and of a write; an answer that is not from a Clustermgr is bad, or unknown."""
    return REFUSED.get(fault, (ClusterBadAnswer, OutcomeUnknown))


def client(*hosts: str, fault: str) -> ClustermgrClient:
    return ClustermgrClient(hosts, timeouts=SHORT if fault in SILENT else LONG, context=trusting())


def test_matrix_names_every_call_of_a_cluster() -> None:
    """A call that is new in the protocol belongs into the matrix."""
    assert {name for name, _ in getmembers(ClustermgrClient, isfunction) if name[0] != "_"} == {*READS, *WRITES}


@pytest.mark.parametrize(("fault", "call"), cells(FAULTS, READS))
async def test_read_from_a_faulty_host_ends_as_specified(fault: str, call: str) -> None:
    async with faulty(fault) as host, client(host.host, fault=fault) as api:
        if outcome(fault)[0] is NotFound and call == "config_get":
            assert await api.config_get("balance") is None
            return
        with pytest.raises(ClusterError) as caught:
            await READS[call](api, host.host)
    assert type(caught.value) is outcome(fault)[0]
    assert host.host in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(("fault", "call"), cells(FAULTS, WRITES))
async def test_write_to_a_faulty_host_is_sent_once(fault: str, call: str) -> None:
    """Another host gets it only where nothing was sent to the first."""
    async with faulty(fault) as bad, serving(says(200)) as good, client(bad.host, good.host, fault=fault) as api:
        if fault in SENT_NOTHING:
            await WRITES[call](api, "")
        else:
            with pytest.raises(ClusterError) as caught:
                await WRITES[call](api, "")
            assert type(caught.value) is outcome(fault)[1]
    assert len(bad.requests) <= 1
    assert len(good.requests) == (fault in SENT_NOTHING)


FINAL = ("400", "401", "404", "405", "408", "429", "499", "904", "910", "911", "999")
"""A host that refuses a read speaks for the cluster."""


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in FINAL])
async def test_read_beside_a_faulty_host_is_answered_by_another(fault: str) -> None:
    async with faulty(fault) as bad, serving(says(200, '"true"')) as good:
        async with client(bad.host, good.host, fault=fault) as api:
            assert await api.config_get("balance") == "true"


TLS_WORDS = [
    ("untrusted certificate", "shows a certificate that it signed itself: name that certificate under ca_file"),
    ("expired certificate", "shows a certificate that has expired: renew it on the host"),
    ("certificate of another name", "shows a certificate that is made for another address"),
    ("plain HTTP where TLS is asked", "does not speak TLS: remove https:// from it in hosts"),
    ("HTTP on a TLS port of Go", "speaks TLS, but the settings use plain HTTP: write https:// before it in hosts"),
]


@pytest.mark.parametrize(("fault", "words"), TLS_WORDS)
async def test_tls_error_is_named(fault: str, words: str) -> None:
    async with faulty(fault) as host, client(host.host, fault=fault) as api:
        with pytest.raises(ClusterError) as caught:
            await api.stat(host.host)
    assert words in str(caught.value)

"""Policies of disk operations: which one holds, and what its defaults ask for."""

import pytest

from bot.operations.change_request import ChangeRequest
from bot.operations.policy import POLICIES
from bot.operations.requests import (
    DiskAccess,
    DiskBroken,
    DiskOffline,
    DisksOffline,
    NodeDrop,
    NodeOffline,
    Request,
)


@pytest.mark.parametrize(
    ("request_", "policy", "reason"),
    [
        (DiskAccess(7, readonly=True), "disk_readonly", "optional"),
        (DiskAccess(7, readonly=False), "disk_writable", "optional"),
        (DiskBroken(7), "disk_broken", "required"),
        (DiskOffline(7), "disk_offline", "required"),
        (DisksOffline((7, 8)), "disk_offline", "required"),
        (NodeOffline("10.0.1.2:8889"), "node_offline", "required"),
        (NodeDrop(2), "node_offline", "required"),
    ],
)
def test_disk_operation_has_one_policy_that_needs_an_approver(request_: Request, policy: str, reason: str) -> None:
    assert ChangeRequest(request_).policy_keys == (policy,)
    found = POLICIES[policy]
    assert (found.approvals, found.source, found.requester_may) == (1, "approver", "if_approver")
    assert found.reason == reason

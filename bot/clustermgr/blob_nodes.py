"""Wire model of a blobnode."""

from enum import IntEnum

from bot.clustermgr.wire import Count, Text, WireModel


class NodeStatus(IntEnum):
    """The state of a blobnode (recorded exchanges: data_node_drop)."""

    NORMAL = 1
    DROPPED = 2


class BlobNode(WireModel):
    """GET /node/info: one blobnode; `status` is a NodeStatus or a number of a later release.

    A node whose drop was accepted keeps status 1 until the servers see that no disk of it is in use (recorded exchanges
    of master; its source looks at each refresh of its counters, every few minutes).
    """

    node_id: Count
    status: Count = 0
    idc: Text = ""
    rack: Text = ""
    host: Text = ""

"""The handles of SimulatedCluster on replication: nodes that fall behind, and nodes that do not apply their log."""

from bot.playground.clustermgr_sim.engine import Engine
from bot.playground.clustermgr_sim.raft import NotPossible, Raft


class ReplicationControls:
    """Each raises NotPossible, with a sentence, for what cannot be."""

    raft: Raft
    engine: Engine

    def fall_behind(self, node: int, entries: int) -> None:
        """Let a follower stay so many entries behind its leader from now on; 0 lets it catch up."""
        self.engine.tick()
        if node not in self.raft.nodes or self.raft.nodes[node] is self.raft.leader():
            raise NotPossible(f"node {node} follows nobody")
        self.raft.nodes[node].behind = entries
        self.raft.settle()

    def stall(self, node: int, value: bool = True) -> None:
        """Let a node apply nothing from now on, or everything again."""
        self.engine.tick()
        if node not in self.raft.nodes:
            raise NotPossible(f"there is no node {node}")
        held = self.raft.nodes[node]
        held.stuck = held.applied if value else None

"""Everything that changes a cluster: one way, from proposal through preflight and approval to proof."""

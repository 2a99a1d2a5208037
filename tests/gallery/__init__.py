"""Pictures of every view, drawn by the local workspace."""

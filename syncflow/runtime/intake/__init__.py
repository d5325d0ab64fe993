"""Events to the journal: read → process → transform → plan → commit."""

"""What people ask of a journal: what became of a record, dead letters, redrive, replay, forget."""

"""What is durable: the journal as a run sees it (``base``), its lock, and its tables in SQLite."""

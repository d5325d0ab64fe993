"""A file with ``changes: diff``: an export that is written anew, compared with the one before.

    found ── the file, or the newest of a pattern ──▶ table ── chunks ──▶ syncflow.sources.passes ── Raw

Rows are what the source ``file`` reads (lines, documents, rows of a CSV, packed or not), each an item; the events are made here. A file
that may not be written to its end is no reason to delete: ``written`` says why it may not be.
"""

"""Changes of PostgreSQL's tables, by logical replication: a module a stage.

wire (libpq) ─▶ pgoutput (messages → changes) ─▶ streaming (changes → events) ─▶ source; values: text → JSON; catalog, opening: what is over
there; snapshot, reading: the rows that are there already; toast: values that were not sent; beats: confirmations, marks, the guard.
"""

from syncflow.sources.postgres.source import Postgres

__all__ = ["Postgres"]

"""The source ``sql``: the rows of a query, in passes.

    database ── rows ──▶ passes ── new, changed, removed ──▶ source ── Raw
                            │                                   │ acknowledged
                            └────────────── seen ◀──────────────┘

``database`` is the only one that knows SQLAlchemy, ``errors`` puts what drivers say into our words, ``values`` makes JSON of what they
give. ``seen`` remembers which rows were acknowledged (key and keyed hash of each), in a file of its own beside the journal. ``passes``
compares one result with it. ``source`` is the shell: times, threads, positions.

A position is (pass, number of the event in it). A row is seen once its event is acknowledged; a kill before that repeats it in the next
pass.
"""

from syncflow.sources.sql.source import Sql

__all__ = ["Sql"]

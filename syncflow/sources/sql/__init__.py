"""The source ``sql``: the rows of a query, in passes.

    database ── rows ──▶ table ── chunks ──▶ passes ── Raw

``database`` is the only one that knows SQLAlchemy, ``errors`` puts what drivers say into our words, ``values`` makes JSON of what they
give. ``table`` gives rows to ``syncflow.sources.passes``, which makes the pass of ``changes: diff``; ``passes`` here are those of ``all``
and of a cursor. ``opening`` puts them together.
"""

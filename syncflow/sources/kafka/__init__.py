"""The source ``kafka``: messages of topics, read as a member of a consumer group.

    brokers ── messages ──▶ group ── batches ──▶ source ── Raw
                              │ begins where ``starting`` says      │ acknowledged: the journal's position, and the group's
                              └── ``formats``, ``messages`` ◀── registry

One thread speaks with the brokers (``group``); ``source`` holds a bounded buffer between it and the run. Where a partition begins is
decided by the pure ``starting``: the journal's position is the truth, the group's offset is for people and their tools. ``connecting``
and ``errors`` keep the library's settings and words in one place.
"""

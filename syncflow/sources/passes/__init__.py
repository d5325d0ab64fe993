"""Reading in passes: the rows of something that says what is, not what happened, compared with those of the pass before.

    table ── chunks ──▶ comparison ── new, changed ──▶ diff ── Handed ──▶ source ── Raw
                            │                           │                   │ refused, acknowledged
                            └───────── seen ◀───────────┴───────────────────┘

A ``Table`` (a query, a file) gives rows in chunks: a text of each row to compare, its key, and the event to make of it. ``seen`` remembers
which rows were acknowledged (key and keyed hash of each), in a file of its own beside the journal. ``comparison`` finds the rows that are
not what was seen, ``diff`` makes a pass of them, under guards. ``source`` is the shell: times, threads, positions.

A position is (pass, number of the event in it). A row is seen once its event is acknowledged; a kill before that repeats it in the next
pass. A row whose event was refused is known and stays due: each pass hands it out until it is accepted.
"""

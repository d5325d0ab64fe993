"""The journal in tables, whichever database keeps them: from values down to SQL.

    journal.py      the protocol of a run, in values: events, deliveries, settlements
      rows.py         values ↔ rows
    executors.py    who runs a call: at once, a thread, a process of its own
    calls.py        the calls, in rows: one connection, one transaction each
      presence.py, sent.py, usage.py, counts.py, activation.py, retention.py, known.py, totals.py
    database.py     what is asked of a connection: SQL that SQLite and PostgreSQL read alike

Only rows, made of numbers, texts and bytes, pass between journal.py and calls.py, so that they may pass to another process. A home
(``journal/sqlite``, ``journal/postgres``) adds a connection, its schema, its lock and the words of its errors.
"""

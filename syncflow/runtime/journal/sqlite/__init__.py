"""The journal in SQLite, from values down to tables.

    journal.py      the protocol of a run, in values: events, deliveries, settlements
      rows.py         values ↔ rows
    executors.py    who runs a call: at once, a thread, a process of its own (process.py, worker.py)
    tables.py       the calls, in rows: one connection, one transaction each
      known.py, totals.py, bulk.py, database.py, schema.py

Only rows, made of numbers, texts and bytes, pass between journal.py and tables.py, so that they may pass to another process.
"""

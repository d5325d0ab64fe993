"""The journal in a schema of PostgreSQL: its connection, schema and lock; the tables are those of ``journal/tables``.

    journal.py      the journal of a run
    tables.py       the calls, carried out again where a connection was lost, and found out where a commit is in doubt
    database.py     a connection as the tables use it: COPY, rows as JSON, transactions that carry a number
    lock.py         one run per schema: an advisory lock of the session that writes
    opening.py      how a schema is made, brought up to date, and refused where it is another project's
    schema.py       tables, and views for people
    workers.py      the same for several workers: one transaction after the other, each under its claim, and what renews the claims
    connecting.py, errors.py, looking.py

A run that has the journal for itself writes by one connection, which holds the lock:
a session that is gone holds nothing, and one that lives is the only one. Each
transaction of the run raises a number in the table ``commits`` by one. Where the connection is lost while a commit is under way, the next
connection first gets the lock, which it can only once the former session has ended, and then reads that number: it says whether the
commit took place. A commit whose number was raised by another run is refused.
"""

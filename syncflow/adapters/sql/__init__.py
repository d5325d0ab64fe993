"""The wire to a database: rows of tables in transactions. SQLAlchemy is at home here and in ``sources/sql``.

    address    → where a database is             connections → how we connect to each kind of database
    shapes     → what a table is                 described   → the same as an object file says it
    values     → JSON as a column takes it       statements  → what is executed
    writing    → one transaction                 faults      → what an error means
    client     → the system that a dispatcher knows

A transaction is what a request is to an API: it passes the gate, and counts for limits.
"""

"""The journal in a file of SQLite: its connection, schema, lock and process; the tables are those of ``journal/tables``.

journal.py      the journal of a run: the file, who may read it, its lock
tables.py       the calls over the file's connection
database.py     how a file is opened, brought up to date and checked; bulk.py is the connection, schema.py the tables
process.py      a process of its own that carries out the calls (worker.py is what it does)
"""

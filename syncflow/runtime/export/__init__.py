"""Outcomes as tables: what a journal knows of runs, events, deliveries, dead letters and records, for who asks in SQL or in a notebook.

    columns    which tables and columns there are, with types that stay, and which of them are personal
    rows       a journal → rows, page by page, in the order of a number that the journal gives
    hiding     what stands in place of personal data
    marks      how far an export came, and what may change behind that
    files      rows → JSON lines, CSV, Parquet
    database   rows → tables of a database, each row replaced by its key
    exporting  all of it together

A row is a list of values in the order of its table's columns; times are wall seconds until they are written.
"""

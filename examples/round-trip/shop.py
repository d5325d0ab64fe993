"""Run a file of SQL in shop.db, and print what it finds: python shop.py shop.sql."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

with closing(sqlite3.connect("shop.db")) as database, database:
    for statement in Path(sys.argv[1]).read_text("utf-8").split(";"):
        for row in database.execute(statement):
            print(*row, sep=" | ")

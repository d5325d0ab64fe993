"""Run a file of SQL in shop.db: python in_sqlite.py shop.sql."""

import sqlite3
import sys
from pathlib import Path

with sqlite3.connect("shop.db") as database:
    database.executescript(Path(sys.argv[1]).read_text("utf-8"))

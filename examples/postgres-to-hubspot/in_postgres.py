"""Run a file of SQL in the database: DATABASE_URL=postgresql://… python in_postgres.py shop.sql."""

import os
import sys
from pathlib import Path

import psycopg

with psycopg.connect(os.environ["DATABASE_URL"]) as database:
    database.execute(Path(sys.argv[1]).read_text("utf-8"))

"""Changes of tables of MariaDB and MySQL, read from the binlog: a module a stage.

wire (pymysql) ─▶ binlog (packets → changes) ─▶ streaming (changes → events) ─▶ source; cells and values: bytes and text → JSON; layouts,
charsets: how a table's rows are written; statements: DDL; places: where in the log; catalog, opening: what is on the server; snapshot:
the rows that are there already; unsent: columns that a change left out; progress: what is remembered.
"""

from syncflow.sources.mysql.source import Mysql

__all__ = ["Mysql"]

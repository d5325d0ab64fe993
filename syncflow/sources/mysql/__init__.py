"""Changes of tables of MariaDB and MySQL, read from the binlog: a module a stage.

wire (pymysql) ─▶ binlog (packets → changes) ─▶ streaming (changes → events) ─▶ source

cells, decimals, binary_json, values, charsets: bytes and text → JSON · layouts: the columns of rows in the log · tables: ours, as the log
knows them · statements: DDL · unsent: columns that a change left out · places: where in the log · catalog, opening, check: what is on the
server · snapshot: the rows that are there already · progress, rest: what is remembered.

Packets are decoded here. The library for it (mysql-replication) makes null of dates that are none, of empty sets and of enums that it
does not know, gives up a whole event for one text that it cannot read, and connects again without an end or an error.
"""

from syncflow.sources.mysql.source import Mysql

__all__ = ["Mysql"]

"""What drivers' errors mean, by their codes; and that no word of ours repeats a value."""

# ruff: noqa: E501  # a table

from __future__ import annotations

import sqlite3
from types import SimpleNamespace

import pytest

from syncflow.adapters.sql.faults import Fault, fault_of

SECRET = "ada@x.org"


class PostgresError(Exception):
    """As psycopg raises it."""

    def __init__(self, sqlstate: str | None, text: str, constraint: str | None = None) -> None:
        super().__init__(text)
        self.sqlstate = sqlstate
        self.diag = SimpleNamespace(constraint_name=constraint, column_name=None)


class MysqlError(Exception):
    """As pymysql raises it."""


def of_sqlite(name: str, text: str) -> sqlite3.Error:
    error = sqlite3.Error(text)
    error.sqlite_errorname = name
    return error


def kind_of(fault: Fault) -> str:
    return f"{fault.kind} {fault.code}"


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (
            PostgresError("23505", f'duplicate key value violates unique constraint "contacts_email_key" ({SECRET})', "contacts_email_key"),
            "row unique",
            "another row holds a value that must be unique (contacts_email_key)",
        ),
        (PostgresError("22P02", f'invalid input syntax for type integer: "{SECRET}"'), "row format", "a value has not the form that its column takes (22P02)"),
        (PostgresError("22012", "division by zero"), "row data", "the database refuses a value (22012)"),
        (PostgresError("P0001", f"not for {SECRET}"), "row raised", "a trigger of the table refuses it (P0001)"),
        (PostgresError("40P01", "deadlock detected"), "passing deadlock", "another transaction stood in the way (40P01)"),
        (PostgresError("40001", "could not serialize"), "passing deadlock", "another transaction stood in the way (40001)"),
        (PostgresError("57P01", "terminating connection"), "passing unreachable", "the database does not answer (57P01)"),
        (PostgresError("25006", "read-only"), "passing read_only", "the database takes no changes now: it is read-only (25006)"),
        (PostgresError("53100", "disk full"), "passing full", "the database has no room left (53100)"),
        (PostgresError("57014", "canceling statement"), "passing timeout", "the database took longer than the timeout (57014)"),
        (PostgresError("42501", "permission denied"), "wrong rights", "the user lacks a right (42501)"),
        (PostgresError("42P10", "no unique"), "wrong not_unique", "no unique index is over the key (42P10)"),
        (PostgresError(None, 'FATAL:  password authentication failed for user "ada"'), "wrong sign_in", "the database refuses the user or the password"),
        (PostgresError(None, 'FATAL:  database "crm" does not exist'), "wrong database", "there is no such database on the server"),
        (MysqlError(1062, f"Duplicate entry '{SECRET}' for key 'contacts.email'"), "row unique", "another row holds a value that must be unique (email)"),
        (MysqlError(1062, f"Duplicate entry 'x' for key 'y{SECRET}"), "row unique", "another row holds a value that must be unique (1062)"),
        (MysqlError(1406, "Data too long for column 'name' at row 1"), "row length", "a value is longer than its column (name)"),
        (
            MysqlError(1366, "Incorrect string value: '\\xF0\\x9F' for column `crm`.`contacts`.`name` at row 1"),
            "row format",
            "a value has not the form that its column takes (name)",
        ),
        (MysqlError(1048, "Column 'name' cannot be null"), "row required", "a column that must have a value has none (name)"),
        (MysqlError(4025, "CONSTRAINT `positive` failed for `crm`.`contacts`"), "row check", "a check of the table refuses it (positive)"),
        (
            MysqlError(1452, "Cannot add or update a child row: a foreign key constraint fails (`d`.`c`, CONSTRAINT `c_f` FOREIGN KEY (`f`) REFERENCES `p` (`id`))"),
            "row foreign_key",
            "a row that it refers to is not there, or other rows refer to it (c_f)",
        ),
        (MysqlError(1213, "Deadlock found"), "passing deadlock", "another transaction stood in the way (1213)"),
        (MysqlError(1205, "Lock wait timeout"), "passing busy", "the database is busy with other work on these rows (1205)"),
        (MysqlError(2013, "Lost connection"), "passing unreachable", "the database does not answer (2013)"),
        (MysqlError(1290, "--read-only"), "passing read_only", "the database takes no changes now: it is read-only (1290)"),
        (MysqlError(1045, f"Access denied for user '{SECRET}'"), "wrong sign_in", "the database refuses the user or the password"),
        (of_sqlite("SQLITE_CONSTRAINT_UNIQUE", "UNIQUE constraint failed: contacts.email"), "row unique", "another row holds a value that must be unique (email)"),
        (of_sqlite("SQLITE_CONSTRAINT_TRIGGER", SECRET), "row raised", "a trigger of the table refuses it (SQLITE_CONSTRAINT_TRIGGER)"),
        (of_sqlite("SQLITE_BUSY_SNAPSHOT", "database is locked"), "passing busy", "the database is busy with other work on these rows (SQLITE_BUSY_SNAPSHOT)"),
        (of_sqlite("SQLITE_FULL", "database or disk is full"), "passing full", "the database has no room left (SQLITE_FULL)"),
        (of_sqlite("SQLITE_IOERR_WRITE", "disk I/O error"), "passing failed", "the database failed (SQLITE_IOERR_WRITE)"),
        (of_sqlite("SQLITE_ERROR", "no such table: contacts"), "wrong table", "the database has no such table (SQLITE_ERROR)"),
        (of_sqlite("SQLITE_NOTADB", "file is not a database"), "wrong file", "the file is no database, or may not be opened (SQLITE_NOTADB)"),
    ],
    ids=lambda each: each if isinstance(each, str) and " " in each and len(each) < 30 else "",
)  # fmt: skip
def test_an_error_is_told_by_its_code_in_words_without_values(error: Exception, kind: str, words: str) -> None:
    fault = fault_of(error)
    assert (kind_of(fault), fault.words) == (kind, words)
    assert SECRET not in fault.message


def test_an_error_without_a_code_is_the_servers_where_the_driver_says_so() -> None:
    assert kind_of(fault_of(Exception("could not connect"), is_operational=True)) == "passing unreachable"
    assert kind_of(fault_of(Exception("a value"))) == "row data"
    assert kind_of(fault_of(PostgresError("22001", "too long"), is_lost=True)) == "row length"
    assert kind_of(fault_of(PostgresError("XX000", "gone"), is_lost=True)) == "passing unreachable"

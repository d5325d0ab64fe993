"""What an error of a database means, told by its code: a driver's message may hold a row's data or an address with its password.

Three kinds: ``row`` (one of the rows is refused), ``passing`` (the server, the connection or the moment), ``wrong`` (address, rights,
tables: nobody's row). Names of columns and constraints are taken out of a message only where it ends with them, as the database writes it.

Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html,
https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html, https://mariadb.com/kb/en/mariadb-error-code-reference/,
https://www.sqlite.org/rescode.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from syncflow.frozen import value_class

Kind = Literal["row", "passing", "wrong"]


@value_class
class Fault:
    """``words`` are ours, for a person; ``column`` or ``constraint`` are named in them where they are known."""

    kind: Kind
    code: str
    words: str
    hint: str = ""

    @property
    def message(self) -> str:
        return f"{self.words}; {self.hint}" if self.hint else self.words


_ROW: Final[Mapping[str, str]] = {
    "unique": "another row holds a value that must be unique",
    "foreign_key": "a row that it refers to is not there, or other rows refer to it",
    "required": "a column that must have a value has none",
    "check": "a check of the table refuses it",
    "length": "a value is longer than its column",
    "range": "a number is outside what its column holds",
    "format": "a value has not the form that its column takes",
    "type": "a value is of another type than its column",
    "too_large": "the row is larger than the database takes",
    "raised": "a trigger of the table refuses it",
    "same_row": "two rows of a batch are one row there",
    "data": "the database refuses a value",
}
_WRONG: Final[Mapping[str, tuple[str, str]]] = {
    "sign_in": ("the database refuses the user or the password", "check user and password in `sql.url`"),
    "database": ("there is no such database on the server", "check the name at the end of `sql.url`"),
    "table": ("the database has no such table", "check the target of the mapping, and `sql.schema`"),
    "column": ("the table lacks a column", "`syncflow validate --online` compares the table with the mapping"),
    "rights": (
        "the user lacks a right",
        "grant SELECT, INSERT, UPDATE and DELETE on the table to the user in `sql.url`",
    ),
    "not_unique": ("no unique index is over the key", "`syncflow check` says which index to make"),
    "statement": ("the database does not take the statement", "`syncflow check` tries it on no row"),
    "file": ("the file is no database, or may not be opened", "check the path in `sql.url` and who may write it"),
}
_PASSING: Final[Mapping[str, str]] = {
    "unreachable": "the database does not answer",
    "busy": "the database is busy with other work on these rows",
    "deadlock": "another transaction stood in the way",
    "timeout": "the database took longer than the timeout",
    "read_only": "the database takes no changes now: it is read-only",
    "full": "the database has no room left",
    "failed": "the database failed",
}

_STATES: Final[Mapping[str, tuple[Kind, str]]] = {
    # SQLSTATE of PostgreSQL; of a class where two characters stand
    "23505": ("row", "unique"), "23P01": ("row", "unique"), "23503": ("row", "foreign_key"), "23001": ("row", "foreign_key"),
    "23502": ("row", "required"), "23514": ("row", "check"), "44000": ("row", "check"), "22001": ("row", "length"),
    "22003": ("row", "range"), "22007": ("row", "format"), "22008": ("row", "range"), "22P02": ("row", "format"),
    "22P05": ("row", "format"), "22021": ("row", "format"), "54000": ("row", "too_large"), "21000": ("row", "same_row"),
    "P0001": ("row", "raised"), "42804": ("row", "type"), "22": ("row", "data"), "23": ("row", "data"),
    "28P01": ("wrong", "sign_in"), "28000": ("wrong", "sign_in"), "3D000": ("wrong", "database"), "42P01": ("wrong", "table"),
    "3F000": ("wrong", "table"), "42703": ("wrong", "column"), "42501": ("wrong", "rights"), "42P10": ("wrong", "not_unique"),
    "42": ("wrong", "statement"), "0A": ("wrong", "statement"),
    "57014": ("passing", "timeout"), "55P03": ("passing", "busy"), "40P01": ("passing", "deadlock"), "40": ("passing", "deadlock"),
    "25006": ("passing", "read_only"), "53100": ("passing", "full"), "53": ("passing", "unreachable"),
    "08": ("passing", "unreachable"), "57": ("passing", "unreachable"), "58": ("passing", "failed"), "XX": ("passing", "failed"),
    "55": ("passing", "failed"), "25": ("passing", "failed"),
}  # fmt: skip
_NUMBERS: Final[Mapping[str, tuple[Kind, str]]] = {
    # MySQL and MariaDB
    **dict.fromkeys(("1062", "1586", "1169"), ("row", "unique")),
    **dict.fromkeys(("1216", "1217", "1451", "1452"), ("row", "foreign_key")),
    **dict.fromkeys(("1048", "1364", "1263", "1830"), ("row", "required")),
    **dict.fromkeys(("3819", "4025"), ("row", "check")),
    "1406": ("row", "length"), "1264": ("row", "range"), "1690": ("row", "range"),
    **dict.fromkeys(("1265", "1292", "1366", "1367", "1411", "1416", "3140", "3141", "4038"), ("row", "format")),
    **dict.fromkeys(("1118", "1153", "1301"), ("row", "too_large")), "1644": ("row", "raised"),
    **dict.fromkeys(("1045", "1698", "1251", "1862"), ("wrong", "sign_in")), "1049": ("wrong", "database"), "1044": ("wrong", "rights"),
    "1146": ("wrong", "table"), "1054": ("wrong", "column"),
    **dict.fromkeys(("1142", "1143", "1227", "1370"), ("wrong", "rights")), "1064": ("wrong", "statement"),
    **dict.fromkeys(("1213", "1020"), ("passing", "deadlock")), "1205": ("passing", "busy"), "3572": ("passing", "busy"),
    **dict.fromkeys(("1317", "1969", "3024"), ("passing", "timeout")),
    **dict.fromkeys(("1290", "1792", "1836", "1209"), ("passing", "read_only")),
    **dict.fromkeys(("1021", "1114", "3"), ("passing", "full")),
    **dict.fromkeys(
        ("1040", "1053", "1129", "1158", "1159", "1160", "1161", "1203", "1226", "1927", "2002", "2003", "2006", "2013", "2014", "4031"),
        ("passing", "unreachable"),
    ),
}  # fmt: skip
_NAMES: Final[Mapping[str, tuple[Kind, str]]] = {
    # SQLite
    "SQLITE_CONSTRAINT_UNIQUE": ("row", "unique"), "SQLITE_CONSTRAINT_PRIMARYKEY": ("row", "unique"),
    "SQLITE_CONSTRAINT_ROWID": ("row", "unique"), "SQLITE_CONSTRAINT_FOREIGNKEY": ("row", "foreign_key"),
    "SQLITE_CONSTRAINT_NOTNULL": ("row", "required"), "SQLITE_CONSTRAINT_CHECK": ("row", "check"),
    "SQLITE_CONSTRAINT_TRIGGER": ("row", "raised"), "SQLITE_CONSTRAINT_DATATYPE": ("row", "type"), "SQLITE_CONSTRAINT": ("row", "data"),
    "SQLITE_MISMATCH": ("row", "type"), "SQLITE_TOOBIG": ("row", "too_large"),
    "SQLITE_BUSY": ("passing", "busy"), "SQLITE_LOCKED": ("passing", "busy"), "SQLITE_FULL": ("passing", "full"),
    "SQLITE_READONLY": ("passing", "read_only"), "SQLITE_IOERR": ("passing", "failed"), "SQLITE_NOMEM": ("passing", "failed"),
    "SQLITE_INTERRUPT": ("passing", "timeout"), "SQLITE_PROTOCOL": ("passing", "busy"),
    "SQLITE_CANTOPEN": ("wrong", "file"), "SQLITE_NOTADB": ("wrong", "file"), "SQLITE_CORRUPT": ("wrong", "file"),
    "SQLITE_PERM": ("wrong", "rights"), "SQLITE_AUTH": ("wrong", "rights"), "SQLITE_ERROR": ("wrong", "statement"),
}  # fmt: skip
_BY_TEXT: Final = (  # where no code comes along: libpq before it is connected, and SQLITE_ERROR
    (re.compile(r"password authentication failed|no password supplied|role \"[^\"]*\" does not exist"), "sign_in"),
    (re.compile(r"no pg_hba\.conf entry"), "sign_in"),
    (re.compile(r"database \"[^\"]*\" does not exist"), "database"),
    (re.compile(r"\Ano such table: "), "table"),
    (re.compile(r"\Ano such column: |\Atable \S+ has no column named "), "column"),
    (re.compile(r"\AON CONFLICT clause does not match"), "not_unique"),
)
_COLUMN: Final = (
    re.compile(r"\AColumn '([\w$]{1,64})' cannot be null\Z"),
    re.compile(r"\AField '([\w$]{1,64})' doesn't have a default value\Z"),
    re.compile(r"for column (?:`[^`]*`\.`[^`]*`\.)?[`'\"]([\w$]{1,64})[`'\"] at row \d+\Z"),
    re.compile(r"\A(?:UNIQUE|NOT NULL) constraint failed: [\w$]+\.([\w$]{1,64})\Z"),
)
_CONSTRAINT: Final = (
    re.compile(r"for key '(?:[\w$]+\.)?([\w$]{1,64})'\Z"),
    re.compile(r"\ACheck constraint '([\w$]{1,64})' is violated\.?\Z"),
    re.compile(r"\ACONSTRAINT `([\w$]{1,64})` failed for `[^`]*`\.`[^`]*`\Z"),
    re.compile(r"CONSTRAINT `([\w$]{1,64})` FOREIGN KEY \([^']*\Z"),
    re.compile(r"\ACHECK constraint failed: ([\w$]{1,64})\Z"),
)


def fault_of(error: BaseException, *, is_lost: bool = False, is_operational: bool = False) -> Fault:
    """Return what a driver's error means. ``is_lost``: its connection is gone; ``is_operational``: the driver blames the server."""
    code, text = _code_of(error), _text_of(error)
    kind, name = _known(code, text, is_lost=is_lost, is_operational=is_operational)
    if kind == "passing":
        return Fault(kind, name, f"{_PASSING[name]}{_in_brackets(code)}")
    if kind == "wrong":
        words, hint = _WRONG[name]
        return Fault(kind, name, words if name in {"sign_in", "database"} else f"{words}{_in_brackets(code)}", hint)
    return Fault(kind, name, f"{_ROW[name]}{_named(error, text) or _in_brackets(code)}")


def _known(code: str, text: str, *, is_lost: bool, is_operational: bool) -> tuple[Kind, str]:
    if is_lost and code[:2] not in {"22", "23"}:
        return "passing", "unreachable"
    if code.startswith("SQLITE_"):
        found = _by_text(text) if code == "SQLITE_ERROR" else None
        return found or _NAMES.get(code) or _NAMES.get("_".join(code.split("_")[:2])) or ("passing", "failed")
    if code.isascii() and code.isdigit() and len(code) != len("23505"):
        return _NUMBERS.get(code) or (("passing", "failed") if is_operational else ("row", "data"))
    if code:
        return _STATES.get(code) or _STATES.get(code[:2]) or ("passing", "failed")
    return _by_text(text) or (("passing", "unreachable") if is_operational else ("row", "data"))


def _by_text(text: str) -> tuple[Kind, str] | None:
    return next((("wrong", name) for pattern, name in _BY_TEXT if pattern.search(text)), None)


def _code_of(error: BaseException) -> str:
    """Return an SQLSTATE, a number of MySQL or a name of SQLite."""
    name = getattr(error, "sqlite_errorname", None)
    if isinstance(name, str):
        return name
    if error.args and isinstance(error.args[0], int):  # before the SQLSTATE that may come with it, which says less
        return str(error.args[0])
    state = getattr(error, "sqlstate", None)
    return state if isinstance(state, str) else ""


def _text_of(error: BaseException) -> str:
    text = next((str(each) for each in reversed(error.args) if isinstance(each, str)), "")
    return text.strip().splitlines()[0] if text.strip() else ""


def _named(error: BaseException, text: str) -> str:
    """Return the column or the constraint that is meant, in brackets; empty where none can be told without a value."""
    told: Any = getattr(error, "diag", None)
    if told is not None:
        return _in_brackets(told.constraint_name or told.column_name or "")
    for patterns in (_COLUMN, _CONSTRAINT):
        for pattern in patterns:
            if found := pattern.search(text):
                return f" ({found[1]})"
    return ""


def _in_brackets(text: str) -> str:
    return f" ({text})" if text else ""

"""The errors of databases in our own words, told by their code: what a driver says may hold an address with its password, or a row's data.

Only of errors in the query itself (a table that is missing, a word that is misspelt) the driver's first line is repeated: it names what
stands in the query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from syncflow.errors import ProjectError, SyncflowError, UnavailableError

_QUERY_HINT = "try the query in a client of the database, with the same user"

_SIGN_IN, _DATABASE, _TABLE, _COLUMN, _SYNTAX, _RIGHTS = "sign_in", "database", "table", "column", "syntax", "rights"
_WORDS: Mapping[str, tuple[str, str]] = {
    _SIGN_IN: ("the database refuses the user or the password", "check user and password in `url`"),
    _DATABASE: ("there is no such database on the server", "check the name at the end of `url`"),
    _TABLE: ("the query names a table or function that the database does not have", _QUERY_HINT),
    _COLUMN: ("the query names a column that the database does not have", _QUERY_HINT),
    _SYNTAX: ("the database does not understand the query", _QUERY_HINT),
    _RIGHTS: ("the user may not read what the query names", "GRANT SELECT on it to the user in `url`"),
}
_OF_QUERY = frozenset({_TABLE, _COLUMN, _SYNTAX, _RIGHTS})
"""Kinds whose message names only what stands in the query."""

_KINDS: Mapping[str, str] = {
    # SQLSTATE of the standard and of PostgreSQL
    "28P01": _SIGN_IN, "28000": _SIGN_IN, "3D000": _DATABASE, "42P01": _TABLE, "42883": _TABLE, "3F000": _TABLE,
    "42703": _COLUMN, "42601": _SYNTAX, "42501": _RIGHTS,
    # numbers of MySQL and MariaDB
    "1044": _RIGHTS, "1045": _SIGN_IN, "1698": _SIGN_IN, "1049": _DATABASE, "1146": _TABLE, "1305": _TABLE, "1054": _COLUMN,
    "1064": _SYNTAX, "1142": _RIGHTS, "1143": _RIGHTS,
    # classes of DuckDB
    "CatalogException": _TABLE, "BinderException": _COLUMN, "ParserException": _SYNTAX,
}  # fmt: skip
_BY_TEXT = (  # drivers without codes: SQLite, and libpq before it is connected
    (re.compile(r"\Ano such table: |\Ano such function: "), _TABLE),
    (re.compile(r"\Ano such column: "), _COLUMN),
    (re.compile(r"syntax error\Z|\Aincomplete input|\Aunrecognized token"), _SYNTAX),
    (re.compile(r"password authentication failed|no password supplied|role \"[^\"]*\" does not exist"), _SIGN_IN),
    (re.compile(r"database \"[^\"]*\" does not exist"), _DATABASE),
)
_LOST = re.compile(r"\A(08|57P|53)")
"""Classes of SQLSTATE for connections and servers that end, or have no room."""

_LOST_NUMBERS = frozenset(
    {"1040", "1053", "1158", "1159", "1160", "1161", "1205", "1213", "2002", "2003", "2006", "2013", "4031"}
)
_CUT = 200
"""Most characters of a driver's message that are repeated."""


def reworded(error: BaseException, *, is_lost: bool, is_operational: bool) -> SyncflowError:
    """Return a driver's error in our words. ``is_lost``: its connection is gone; ``is_operational``: the driver blames the server.

    Returned are a ProjectError for what the user can mend, an UnavailableError for what may pass.
    """
    code, first = code_of(error), first_line(error)
    kind = _KINDS.get(code) or next((kind for pattern, kind in _BY_TEXT if pattern.search(first)), None)
    if kind is not None:
        words, hint = _WORDS[kind]
        told = f": {first[:_CUT]}" if kind in _OF_QUERY and first else ""
        return ProjectError(f"{words}{told}", hint=hint)
    named = f" ({code})" if code else ""
    if is_lost or _LOST.match(code) or code in _LOST_NUMBERS:
        return UnavailableError(
            f"the database does not answer{named}", hint="check host and port in `url`, and the server"
        )
    if is_operational and not code:
        return UnavailableError("the database does not answer", hint="check host and port in `url`, and the server")
    return ProjectError(f"the database gave up the query{named or ' (' + type(error).__name__ + ')'}", hint=_QUERY_HINT)


def code_of(error: BaseException) -> str:
    """Return the code by which a driver names an error: an SQLSTATE, a number, or the class of one that has neither."""
    if error.args and isinstance(error.args[0], int):
        return str(error.args[0])
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if isinstance(state, str):
        return state
    return type(error).__name__ if type(error).__name__ in _KINDS else ""


def first_line(error: BaseException) -> str:
    """Return the first line of what a driver says, without the number before it."""
    diagnostics = getattr(error, "diag", None)
    text = getattr(diagnostics, "message_primary", None)
    if not isinstance(text, str):
        text = next((str(each) for each in reversed(error.args) if isinstance(each, str)), "")
    return text.strip().splitlines()[0] if text.strip() else ""

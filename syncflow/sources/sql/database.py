"""A database through SQLAlchemy: its address, and the rows of a query in chunks. Blocking; the only module that knows the library.

Rows come through a cursor of the server's where the driver has one, so that memory does not grow with the result. What drivers raise
leaves this module in our words (``errors``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import exc as sqlalchemy_errors

from syncflow.adapters.sql.address import check_file, completed
from syncflow.errors import ProjectError, SyncflowError
from syncflow.sources.sql.described import ColumnType, described
from syncflow.sources.sql.errors import reworded
from syncflow.sources.sql.values import Infinite

CHUNK_ROWS = 500
"""Rows that are read at once."""

_TUPLES = frozenset({"sqlite", "duckdb"})
"""Databases whose cursors give tuples. The library buffers none of the rows of a query in text, so that they are taken from the cursor
itself, for a third of the processor time."""
_KILL_SECONDS = 5
_URL_HINT = "write it as postgresql://user:password@host/name, mysql://…, sqlite:///file.db or duckdb:///file.db"

Row = tuple[Any, ...]


class Database:
    """One connection at a time, driven by one thread; ``interrupt`` may be called from any."""

    def __init__(self, url: str, *, base: Path) -> None:
        """Make no connection yet; ``base`` is the folder that paths of files are relative to.

        Raises:
            ProjectError: the address cannot be used.
        """
        try:
            address = sqlalchemy.make_url(url)
            self._engine = sqlalchemy.create_engine(completed(address, base), poolclass=sqlalchemy.pool.NullPool)
        except sqlalchemy_errors.NoSuchModuleError as error:
            raise ProjectError("no dialect is installed for the address in `source.sql.url`", hint=_URL_HINT) from error
        except ImportError as error:
            raise ProjectError(f"the driver of the database is not installed ({error.name})", hint=_URL_HINT) from None
        except (sqlalchemy_errors.ArgumentError, ValueError):
            raise ProjectError("the address in `source.sql.url` cannot be read", hint=_URL_HINT) from None
        if self._engine.dialect.driver == "psycopg":
            sqlalchemy.event.listen(self._engine, "connect", _read_infinite_times)
        self._raw: Any = None
        self._driver: Any = self._engine.dialect.dbapi

    def check(self) -> None:
        """Connect and disconnect.

        Raises:
            SyncflowError: it refuses the sign-in, or does not answer.
        """
        check_file(self._engine.url, place="source.sql.url")
        with self._reworded(), self._engine.connect():
            pass

    def columns(self, query: str) -> list[ColumnType]:
        """Return the columns of a query, of which no row is read.

        Raises:
            SyncflowError: the query cannot be run, or the database does not answer.
        """
        inner = query.strip().rstrip(";").replace(":", "\\:")
        statement = sqlalchemy.text(f"SELECT syncflow_rows.* FROM ({inner}\n) syncflow_rows WHERE 1 = 0")
        check_file(self._engine.url, place="source.sql.url")
        with self._reworded(), self._engine.connect() as connection:
            found: Any = connection.execute(statement)
            return [described(self._engine.dialect.driver, each[0], each[1]) for each in found.cursor.description]

    @contextmanager
    def rows(
        self, query: str, *, cursor: str | None = None, since: object = None
    ) -> Iterator[tuple[Sequence[str], Iterator[list[Row]]]]:
        """Give the names of the columns and the rows in chunks; with ``cursor`` ordered by it, and none below ``since``.

        Raises:
            SyncflowError: the query cannot be run, or the connection is lost, also while rows are taken.
        """
        statement = _statement(query) if cursor is None else _ordered(query, cursor, since)
        check_file(self._engine.url, place="source.sql.url")
        with self._reworded(), self._letting_go() as cursors, self._engine.connect() as connection:
            self._raw = connection.connection.dbapi_connection
            try:
                found = connection.execution_options(stream_results=True, max_row_buffer=CHUNK_ROWS).execute(statement)
                cursors.append(found.cursor)
                if not found.returns_rows:
                    raise ProjectError(
                        "the query returns no rows: it is no SELECT", hint="write a SELECT in `source.sql.query`"
                    )
                yield tuple(found.keys()), self._chunks(found, is_text=cursor is None)
            finally:
                self._raw = None

    @contextmanager
    def _letting_go(self) -> Iterator[list[Any]]:
        """Give a place for cursors, and end those of pymysql: thrown away, they would read on over a connection that has ended."""
        cursors: list[Any] = []
        try:
            yield cursors
        finally:
            for cursor in cursors if self._engine.dialect.driver == "pymysql" else ():
                if cursor is not None:
                    cursor.connection = None
                    if cursor._result is not None:  # pymysql has no word for a result that is given up
                        cursor._result.unbuffered_active = False

    @contextmanager
    def connected(self) -> Iterator[sqlalchemy.Connection]:
        """Give a connection for questions to the database's catalogue.

        Raises:
            SyncflowError: it refuses the sign-in, or a question cannot be answered.
        """
        check_file(self._engine.url, place="source.sql.url")
        with self._reworded(), self._engine.connect() as connection:
            yield connection

    def _chunks(self, found: Any, *, is_text: bool) -> Iterator[list[Row]]:
        with self._reworded():
            if is_text and self._engine.dialect.name in _TUPLES:
                while rows := found.cursor.fetchmany(CHUNK_ROWS):
                    yield rows
            while rows := found.fetchmany(CHUNK_ROWS):
                yield list(map(tuple, rows))

    def interrupt(self) -> None:
        """Ask the database to give up what it does; what cannot be interrupted goes on to its end. Blocking, for some seconds at most."""
        raw = self._raw
        if raw is not None and self._engine.dialect.driver == "pymysql":
            self._kill(raw.thread_id())
            return
        stop = getattr(raw, "interrupt", None) or getattr(raw, "cancel", None)
        if stop is not None:
            with contextlib.suppress(Exception):  # it may just have ended
                stop()

    def _kill(self, number: int) -> None:
        """End a query of MySQL over a second connection: the first one waits for its rows."""
        killing = sqlalchemy.create_engine(
            self._engine.url, poolclass=sqlalchemy.pool.NullPool, connect_args={"connect_timeout": _KILL_SECONDS}
        )
        with contextlib.suppress(sqlalchemy_errors.SQLAlchemyError), killing.connect() as connection:
            connection.exec_driver_sql(f"KILL QUERY {int(number)}")

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _reworded(self) -> Iterator[None]:
        try:
            yield
        except SyncflowError:
            raise
        except sqlalchemy_errors.DBAPIError as error:
            cause = error.orig or error
            operational = isinstance(error, sqlalchemy_errors.OperationalError | sqlalchemy_errors.InterfaceError)
            raise reworded(cause, is_lost=error.connection_invalidated, is_operational=operational) from None
        except self._driver.Error as error:
            is_operational = isinstance(error, self._driver.OperationalError)
            raise reworded(error, is_lost=False, is_operational=is_operational) from None
        except sqlalchemy_errors.SQLAlchemyError as error:
            raise ProjectError(f"the query cannot be run ({type(error).__name__})") from None


def _statement(query: str) -> sqlalchemy.TextClause:
    """Colons are the query's own: nothing is filled in."""
    return sqlalchemy.text(query.strip().rstrip(";").replace(":", "\\:"))


def _ordered(query: str, cursor: str, since: object) -> sqlalchemy.Select[Any]:
    inner = query.strip().rstrip(";").replace(":", "\\:")
    column: sqlalchemy.ColumnClause[Any] = sqlalchemy.column(cursor)
    rows = sqlalchemy.select(sqlalchemy.text("syncflow_rows.*"))
    rows = rows.select_from(sqlalchemy.text(f"({inner}\n) syncflow_rows")).order_by(column)
    return rows if since is None else rows.where(column >= sqlalchemy.literal(since))


def _read_infinite_times(connection: Any, _record: object) -> None:
    """Let PostgreSQL's infinite dates and times cost the row that holds one, not the query."""
    driver = import_module("psycopg")
    base = import_module("psycopg.adapt").Loader
    for name in ("date", "timestamp", "timestamptz"):
        for form in (driver.pq.Format.TEXT, driver.pq.Format.BINARY):
            known = connection.adapters.get_loader(driver.adapters.types[name].oid, form)
            if known is not None:
                connection.adapters.register_loader(name, _tolerant(known, base, driver.DataError))


def _tolerant(loader: Any, base: Any, refused: type[Exception]) -> type[Any]:
    """Return a loader that gives ``Infinite`` for what another one refuses; the driver's own cannot be derived from."""

    class Tolerant(base):  # type: ignore[misc]  # a class of the driver's
        format = loader.format

        def __init__(self, oid: int, context: Any = None) -> None:
            super().__init__(oid, context)
            self._inner = loader(oid, context)

        def load(self, data: Any) -> Any:
            try:
                return self._inner.load(data)
            except refused:
                return Infinite()

    return Tolerant

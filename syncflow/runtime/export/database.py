"""Tables of a database, through SQLAlchemy: made where they are missing, each row put in place of the one with its key.

Rows stay there when the journal has forgotten them. The records of a journal are replaced as a whole, in one transaction.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import exc
from sqlalchemy.dialects import mysql, postgresql, sqlite

from syncflow.config.databases import DEFAULT_DRIVERS
from syncflow.errors import ProjectError, SyncflowError, UnavailableError
from syncflow.private_files import open_private
from syncflow.runtime.export.columns import JOURNAL, Column, ExportTable, columns_of
from syncflow.runtime.export.rows import Row

_MYSQL = ("mysql", "mariadb")
_NAME_LENGTH, _KEY_LENGTHS = 120, {"record": 255}
"""Of texts in a key, where a database wants a length: all together stay below the 3,072 bytes of InnoDB. They compare by their bytes."""
_HINT = "write it as postgresql://user@host/name, mysql://…, sqlite:///file.db or duckdb:///file.db"


class DatabaseTarget:
    """``url`` as SQLAlchemy reads it; its password is shown nowhere. ``journal`` is the name that stands in every row."""

    def __init__(self, url: str, *, journal: str) -> None:
        """Connect to nothing yet.

        Raises:
            ProjectError: the address cannot be used, or its driver is not installed.
        """
        try:
            address = sqlalchemy.make_url(url)
            driver = DEFAULT_DRIVERS.get(address.drivername)
            address = address.set(drivername=driver) if driver else address
            self._engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.pool.NullPool, hide_parameters=True)
        except exc.NoSuchModuleError as error:
            raise ProjectError("no dialect is installed for the address of --to", hint=_HINT) from error
        except ImportError as error:
            raise ProjectError(f"the driver of the database is not installed ({error.name})", hint=_HINT) from None
        except (exc.ArgumentError, ValueError):
            raise ProjectError("the address of --to cannot be read", hint=_HINT) from None
        self._name = address.render_as_string(hide_password=True).partition("://")[0] + "://" + _place(address)
        self._journal = journal
        self._file = address.database if address.get_backend_name() == "sqlite" else None

    def name_of(self, table: ExportTable) -> str:
        """Return where a table is written, without user and password."""
        return f"{self._name} {table.database_name}"

    def write(self, table: ExportTable, pages: Iterable[Sequence[Row]]) -> int:
        """Write a table; return how many rows.

        Raises:
            SyncflowError: the database does not answer, or refuses what is asked.
        """
        with self._reworded():
            self._make_file()
            there = self._made(table)
            if not table.number:
                with self._engine.begin() as connection:
                    return self._replace(connection, there, table, pages)
            count = 0
            for rows in pages:
                with self._engine.begin() as connection:
                    self._put(connection, there, table, rows)
                count += len(rows)
            return count

    def _make_file(self) -> None:
        """A file of SQLite is made for its owner alone."""
        if self._file and not self._file.startswith((":", "file:")):
            os.close(open_private(Path(self._file), os.O_RDWR | os.O_CREAT))

    def _made(self, table: ExportTable) -> sqlalchemy.Table:
        """Make the table, or add the columns that a later version of syncflow has."""
        made = _table(table)
        with self._engine.begin() as connection:
            made.create(connection, checkfirst=True)
            found = {column["name"] for column in sqlalchemy.inspect(connection).get_columns(made.name)}
            quoted = connection.dialect.identifier_preparer.quote
            for column in made.columns:
                if column.name not in found:
                    kind = column.type.compile(connection.dialect)
                    added = f"ALTER TABLE {quoted(made.name)} ADD COLUMN {quoted(column.name)} {kind}"
                    connection.execute(sqlalchemy.text(added))
        return made

    def _replace(
        self,
        connection: sqlalchemy.Connection,
        there: sqlalchemy.Table,
        table: ExportTable,
        pages: Iterable[Sequence[Row]],
    ) -> int:
        """Put the rows of one journal in place of all that it had."""
        count = 0
        connection.execute(there.delete().where(there.c.journal == self._journal))
        for rows in pages:
            self._put(connection, there, table, rows)
            count += len(rows)
        return count

    def _put(
        self, connection: sqlalchemy.Connection, there: sqlalchemy.Table, table: ExportTable, rows: Sequence[Row]
    ) -> None:
        columns = columns_of(table)
        values = [
            {column.name: _value(column, value) for column, value in zip(columns, row, strict=True)} for row in rows
        ]
        key = [JOURNAL.name, *table.key]
        dialect = connection.dialect.name
        if dialect in {"sqlite", "postgresql", "duckdb"}:
            insert: Any = (sqlite if dialect == "sqlite" else postgresql).insert(there)
            changed = {column.name: insert.excluded[column.name] for column in columns if column.name not in key}
            connection.execute(insert.on_conflict_do_update(index_elements=key, set_=changed), values)
            return
        same = sqlalchemy.and_(*(there.c[name] == sqlalchemy.bindparam(f"key_{name}") for name in key))
        connection.execute(there.delete().where(same), [{f"key_{name}": row[name] for name in key} for row in values])
        connection.execute(there.insert(), values)

    @contextmanager
    def _reworded(self) -> Iterator[None]:
        """What a driver says may hold a row's values: only its code and its kind are repeated."""
        try:
            yield
        except SyncflowError:
            raise
        except exc.DBAPIError as error:
            raise self._refused(error) from None
        except exc.SQLAlchemyError as error:
            raise UnavailableError(f"{self._name} cannot be written ({type(error).__name__})") from None
        except OSError as error:
            raise UnavailableError(f"{self._file} cannot be written: {error.strerror}") from None

    def _refused(self, error: exc.DBAPIError) -> SyncflowError:
        cause = error.orig
        code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None) or type(cause).__name__
        if isinstance(error, exc.ProgrammingError):
            hint = "may the user create tables there, and insert, update and delete in them?"
            return ProjectError(f"{self._name} refuses what an export asks ({code})", hint=hint)
        return UnavailableError(
            f"{self._name} cannot be written ({code})", hint="check host, port, user and room; then export again"
        )


def _place(address: sqlalchemy.URL) -> str:
    port = f":{address.port}" if address.port else ""
    return f"{address.host or ''}{port}/{address.database or ''}"


def _table(table: ExportTable) -> sqlalchemy.Table:
    key = [JOURNAL.name, *table.key]
    return sqlalchemy.Table(
        table.database_name,
        sqlalchemy.MetaData(),
        *(
            sqlalchemy.Column(
                column.name,
                _type(column, is_key=column.name in key),
                primary_key=column.name in key,
                autoincrement=False,
            )
            for column in columns_of(table)
        ),
    )


def _type(column: Column, *, is_key: bool) -> Any:
    if column.type == "text":
        of_key = sqlalchemy.String(_KEY_LENGTHS.get(column.name, _NAME_LENGTH), collation="utf8mb4_bin")
        return sqlalchemy.Text().with_variant(of_key if is_key else mysql.LONGTEXT(), *_MYSQL)
    if column.type == "time":
        return sqlalchemy.DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=6), *_MYSQL)
    return {
        "integer": sqlalchemy.BigInteger(),
        "number": sqlalchemy.Double(),
        "boolean": sqlalchemy.Boolean(),
    }[column.type]


def _value(column: Column, value: Any) -> Any:
    if column.type == "time" and value is not None:
        return datetime.fromtimestamp(value, UTC)
    return value.replace("\0", "\ufffd") if isinstance(value, str) and "\0" in value else value

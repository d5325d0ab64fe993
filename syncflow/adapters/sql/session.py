"""The connections to one database and what is known of its tables. Blocking; any number of threads may ask at once.

What drivers raise leaves this module as a ``Fault``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from datetime import tzinfo
from functools import partial
from typing import Any, Final, TypeVar

import sqlalchemy
from sqlalchemy import exc as sqlalchemy_errors

from syncflow.adapters.sql import statements
from syncflow.adapters.sql.address import check_file
from syncflow.adapters.sql.connections import open_engine
from syncflow.adapters.sql.faults import Fault, fault_of
from syncflow.adapters.sql.shapes import NoTableError, Table, lacks, read_table
from syncflow.adapters.sql.values import encoder
from syncflow.adapters.sql.writing import Row, Target, write
from syncflow.compiler.wire.databases import DatabasePlan, TablePlan
from syncflow.compiler.wire.system import SystemPlan
from syncflow.errors import ProjectError
from syncflow.events import Action, Outcome

T = TypeVar("T")
_CHANGED: Final = frozenset({"column", "table", "statement", "type", "not_unique", "required"})
"""Faults after which a table is looked at anew: it may have become another."""


class Session:
    """A pool of connections, and the tables that were asked for."""

    def __init__(self, plan: SystemPlan, database: DatabasePlan, zone: tzinfo) -> None:
        """Make no connection yet.

        Raises:
            ProjectError: the address cannot be used, or its driver is not installed.
        """
        self._plan = plan
        self._database = database
        self._zone = zone
        self._engine = open_engine(plan, database)
        self._lock = threading.Lock()
        self._tables: dict[str, Table] = {}

    @property
    def dialect(self) -> str:
        return self._engine.dialect.name

    def close(self) -> None:
        self._engine.dispose()

    # -- tables ----------------------------------------------------------------------------------------------------------------

    def table(self, object_name: str) -> Table | Fault:
        """Return what a table is; it is asked for once."""
        with self._lock:
            known = self._tables.get(object_name)
        if known is not None:
            return known
        found = self._asked(lambda connection: self._read(connection, object_name))
        if isinstance(found, Table):
            with self._lock:
                self._tables[object_name] = found
        return found

    def target(self, object_name: str, key: str, columns: Collection[str]) -> Target | Fault:
        """Return a table as rows with these columns are written into it; or why they cannot be."""
        table = self.table(object_name)
        if isinstance(table, Fault):
            return table
        wrong = lacks(table, {key, *columns}) or self._not_unique(table, key)
        if wrong is not None:
            self._forget(wrong, object_name)
            return wrong
        encoders = {name: encoder(table.columns[name], self.dialect, self._zone) for name in {key, *columns}}
        return Target(table, key, self.dialect, encoders)

    def _read(self, connection: sqlalchemy.Connection, object_name: str) -> Table | Fault:
        try:
            return read_table(connection, object_name, self._database.schema)
        except NoTableError:
            place = self._database.schema or "the schemas where it looks by itself"
            words = f"the database has no table {object_name} in {place}, or the user may not see it"
            return Fault("wrong", "table", words, "check the target of the mapping, and `sql.schema`")

    def _not_unique(self, table: Table, key: str) -> Fault | None:
        if table.is_unique(key):
            return None
        statement = str(statements.unique_index(table, key).compile(dialect=self._engine.dialect))
        words = f"no unique index is over {key} of the table {table.name}: two records could become one row, or one record two"
        return Fault("wrong", "not_unique", words, f"make one: {' '.join(statement.split())};")

    def _forget(self, fault: Fault, object_name: str) -> None:
        if fault.code in _CHANGED:
            with self._lock:
                self._tables.pop(object_name, None)

    # -- rows ------------------------------------------------------------------------------------------------------------------

    def written(self, target: Target, action: Action, rows: Sequence[Row]) -> list[Outcome] | Fault:
        """Carry out an action on rows in one transaction; return an outcome for each, or why nothing of it holds."""
        found = self._asked(lambda connection: write(connection, target, action, rows))
        if isinstance(found, Fault):
            self._forget(found, rows[0].delivery.object)
        return found

    def is_there(self, target: Target, row: Row) -> bool:
        """Whether a row is under a key now."""
        clause = target.clause(())
        question = statements.present(clause, target.key, [row.key])
        return self._asked(lambda connection: connection.execute(question).first() is not None) is True

    def tried(self, tables: Sequence[TablePlan]) -> str | Fault:
        """Write no row into any of the tables, and say what was found; or what keeps rows from being written."""
        connected = self._asked(lambda _: None)
        if isinstance(connected, Fault):
            return connected
        for plan in tables:
            target = self.target(plan.name, plan.key, plan.columns)
            if isinstance(target, Fault):
                return target
            trials = statements.trials(target.clause(plan.columns), plan.columns, plan.actions)
            for statement in trials:
                refused = self._asked(partial(_executed, statement=statement), keep=False)
                if isinstance(refused, Fault):
                    words = f"{plan.name}: {refused.words}"
                    return Fault(refused.kind, refused.code, words, refused.hint)
        names = ", ".join(dict.fromkeys(plan.name for plan in tables))
        return f"connected; rows can be written to {names}" if names else "connected; no route writes to it"

    def _asked(self, work: Callable[[sqlalchemy.Connection], T], *, keep: bool = True) -> T | Fault:
        """Do something in a transaction, which is undone unless ``keep`` is set."""
        try:
            check_file(self._engine.url, place=f"systems.{self._plan.name}.sql.url")
            with self._engine.connect() as connection, connection.begin() as transaction:
                found = work(connection)
                if not keep:
                    transaction.rollback()
                return found
        except ProjectError as error:
            return Fault("wrong", "file", error.message, error.hint)
        except sqlalchemy_errors.DBAPIError as error:
            operational = isinstance(error, sqlalchemy_errors.OperationalError | sqlalchemy_errors.InterfaceError)
            return fault_of(error.orig or error, is_lost=error.connection_invalidated, is_operational=operational)
        except sqlalchemy_errors.TimeoutError:
            return Fault("passing", "unreachable", "no connection of the pool is free")
        except (sqlalchemy_errors.StatementError, OverflowError, UnicodeError, ValueError, TypeError) as error:
            cause = error.orig if isinstance(error, sqlalchemy_errors.StatementError) else error
            return Fault("row", "data", f"the driver cannot write a value ({type(cause).__name__})")
        except sqlalchemy_errors.SQLAlchemyError as error:
            return Fault("wrong", "statement", f"the database cannot be spoken to ({type(error).__name__})")


def _executed(connection: sqlalchemy.Connection, *, statement: Any) -> None:
    connection.execute(statement)

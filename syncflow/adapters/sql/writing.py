"""One transaction: the rows of a batch into their table, and what became of each. Blocking.

    upsert   one statement where the database can be left to it (``statements.is_one_statement``), else: look, then change or make
    create   look; a row that is there and is what was to be made was made by an attempt whose answer was lost
    update   look, then change; a row whose key changes is found by the key that it had
    delete   look, then remove

Rows with the same columns share a statement. An error ends the transaction; who called it decides what the error means.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, Final

import sqlalchemy

from syncflow.adapters.sql import statements
from syncflow.adapters.sql.shapes import Table
from syncflow.adapters.sql.values import Encode
from syncflow.events import Action, Delivery, Outcome, Verdict
from syncflow.frozen import value_class

EXISTS: Final = "exists"
NOT_FOUND: Final = "not_found"
_INCOMPARABLE: Final = frozenset({"json", "list", "float", "other"})
"""Kinds of columns that are not compared: some databases cannot, or write them otherwise than they were given."""


@value_class
class Row:
    """A delivery as its table takes it."""

    delivery: Delivery
    key: Any
    values: Mapping[str, Any] = field(repr=False)
    """Column → value, the key among them."""
    had: Any = None
    """The key that it had, where it changes."""

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(sorted(self.values))


@value_class
class Target:
    """A table as rows are written into it."""

    table: Table
    key: str
    dialect: str
    encoders: Mapping[str, Encode] = field(repr=False)

    def row(self, delivery: Delivery) -> Row:
        """Return a delivery as a row.

        Raises:
            MisfitError: a value does not fit its column.
        """
        encode = self.encoders[self.key]
        key = encode(delivery.payload.get(self.key, delivery.key.value))
        values = {
            name: None if value is None else self.encoders[name](value) for name, value in delivery.payload.items()
        }
        had = None
        if delivery.operation == "update" and delivery.vendor_id not in {None, delivery.key.value}:
            had = encode(delivery.vendor_id)
        return Row(delivery, key, values | {self.key: key}, had)

    def clause(self, columns: Collection[str]) -> sqlalchemy.TableClause:
        return statements.target_of(self.table.name, self.table.schema, (*columns, self.key))


def write(connection: sqlalchemy.Connection, target: Target, action: Action, rows: Sequence[Row]) -> list[Outcome]:
    """Carry out an action on rows within the connection's transaction; return an outcome for each.

    Raises:
        sqlalchemy.exc.DBAPIError: the database refuses; nothing of it holds then.
    """
    outcomes: dict[int, Outcome] = {}
    for columns, alike in _by_columns(rows):
        done = _WRITERS[action](connection, target, columns, alike)
        outcomes |= {row.delivery.id: outcome for row, outcome in zip(alike, done, strict=True)}
    return [outcomes[row.delivery.id] for row in rows]


def _by_columns(rows: Sequence[Row]) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(row.columns, []).append(row)
    yield from found.items()


def _delivered(row: Row) -> Outcome:
    return Outcome(Verdict.DELIVERED, vendor_id=row.delivery.key.value)


def _upsert(
    connection: sqlalchemy.Connection, target: Target, columns: Sequence[str], rows: Sequence[Row]
) -> list[Outcome]:
    if statements.is_one_statement(target.table, target.key, columns, target.dialect):
        statement = statements.upsert(target.clause(columns), target.key, columns, target.dialect)
        connection.execute(statement, [_bound(row, columns) for row in rows])
        return [_delivered(row) for row in rows]
    there = _present(connection, target, [row.key for row in rows])
    _change(connection, target, columns, [row for row, found in zip(rows, there, strict=True) if found])
    _make(connection, target, columns, [row for row, found in zip(rows, there, strict=True) if not found])
    return [_delivered(row) for row in rows]


def _create(
    connection: sqlalchemy.Connection, target: Target, columns: Sequence[str], rows: Sequence[Row]
) -> list[Outcome]:
    there = _present(connection, target, [row.key for row in rows])
    _make(connection, target, columns, [row for row, found in zip(rows, there, strict=True) if not found])
    return [
        _existing(connection, target, row) if found else _delivered(row) for row, found in zip(rows, there, strict=True)
    ]


def _existing(connection: sqlalchemy.Connection, target: Target, row: Row) -> Outcome:
    values = {name: value for name, value in row.values.items() if target.table.columns[name].kind not in _INCOMPARABLE}
    if connection.execute(statements.same(target.clause(values), target.key, values)).first() is not None:
        return Outcome(Verdict.ALREADY_DONE, vendor_id=row.delivery.key.value)
    return Outcome(Verdict.REJECTED, code=EXISTS, message=f"there is a row with this {target.key} already")


def _update(
    connection: sqlalchemy.Connection, target: Target, columns: Sequence[str], rows: Sequence[Row]
) -> list[Outcome]:
    there = _present(connection, target, [row.key for row in rows])
    _change(connection, target, columns, [row for row, found in zip(rows, there, strict=True) if found])
    return [
        _delivered(row) if found or _moved(connection, target, columns, row) else _not_found(target)
        for row, found in zip(rows, there, strict=True)
    ]


def _moved(connection: sqlalchemy.Connection, target: Target, columns: Sequence[str], row: Row) -> bool:
    """Change a row under the key that it had, its key too; return whether there was one."""
    if row.had is None:
        return False
    statement = statements.update(target.clause(columns), target.key, columns)
    return connection.execute(statement, _bound(row, columns) | {statements.FOUND_BY: row.had}).rowcount > 0


def _not_found(target: Target) -> Outcome:
    return Outcome(Verdict.REJECTED, code=NOT_FOUND, message=f"there is no row with this {target.key}")


def _delete(
    connection: sqlalchemy.Connection, target: Target, columns: Sequence[str], rows: Sequence[Row]
) -> list[Outcome]:
    there = _present(connection, target, [row.key for row in rows])
    keys = [row.key for row, found in zip(rows, there, strict=True) if found]
    if keys:
        connection.execute(statements.delete(target.clause(()), target.key, keys))
    return [Outcome(Verdict.DELIVERED if found else Verdict.ALREADY_DONE) for found in there]


_WRITERS: Final = {"upsert": _upsert, "create": _create, "update": _update, "delete": _delete}


def _make(connection: sqlalchemy.Connection, target: Target, columns: Sequence[str], rows: Sequence[Row]) -> None:
    if rows:
        statement = statements.insert(target.clause(columns), columns)
        connection.execute(statement, [_bound(row, columns) for row in rows])


def _change(connection: sqlalchemy.Connection, target: Target, columns: Sequence[str], rows: Sequence[Row]) -> None:
    others = [name for name in columns if name != target.key]
    if rows and others:
        statement = statements.update(target.clause(columns), target.key, others)
        connection.execute(statement, [_bound(row, others) | {statements.FOUND_BY: row.key} for row in rows])


def _bound(row: Row, columns: Sequence[str]) -> dict[str, Any]:
    return {parameter: row.values[name] for name, parameter in statements.parameters(columns).items()}


def _present(connection: sqlalchemy.Connection, target: Target, keys: Sequence[Any]) -> list[bool]:
    """Return of each key whether a row is under it; one that the database writes otherwise, though it is the same, is asked for alone."""
    clause = target.clause(())
    rows = connection.execute(statements.present(clause, target.key, keys)).scalars().all()
    found = {str(each) for each in rows}
    there = [str(key) in found for key in keys]
    if sum(there) == len(rows):
        return there
    return [
        known or connection.execute(statements.present(clause, target.key, [key])).first() is not None
        for key, known in zip(keys, there, strict=True)
    ]

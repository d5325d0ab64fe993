"""What is executed: statements of SQLAlchemy, which writes every name and every value itself. Pure.

A value is a parameter, called ``p0``, ``p1`` … by the place of its column, and ``k`` where it finds the row.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy
from sqlalchemy.dialects import mysql, postgresql, sqlite

from syncflow.adapters.sql.shapes import Table

FOUND_BY = "k"
MYSQL = frozenset({"mysql", "mariadb"})


def target_of(name: str, schema: str | None, columns: Collection[str]) -> sqlalchemy.TableClause:
    """Return a table of which only names are known."""
    return sqlalchemy.table(name, *map(sqlalchemy.column, dict.fromkeys(columns)), schema=schema)


def parameters(columns: Sequence[str], *, named: bool = False) -> dict[str, str]:
    """Return what the parameter of each column is called; ``named``: as the column, for people."""
    return {name: name if named else f"p{place}" for place, name in enumerate(columns)}


def _values(columns: Sequence[str], *, named: bool) -> dict[str, sqlalchemy.BindParameter[Any]]:
    return {name: sqlalchemy.bindparam(each) for name, each in parameters(columns, named=named).items()}


def is_one_statement(table: Table, key: str, columns: Collection[str], dialect: str) -> bool:
    """Whether an upsert of these columns can be left to the database.

    A row that lacks a column without which none can be made is refused before the database looks whether it is there. And MySQL takes
    for the same row what shares *any* unique value: with another index that can meet, a row of another record would be overwritten.
    """
    if not table.needed <= {*columns} or any(
        "%" in name for name in columns
    ):  # SQLAlchemy doubles it twice in ON DUPLICATE KEY
        return False
    return dialect not in MYSQL or not any(_can_meet(table, each, columns) for each in table.unique if each != (key,))


def _can_meet(table: Table, unique: Sequence[str], columns: Collection[str]) -> bool:
    """Whether a row with these columns may share the values of a unique index: not where one is counted up, or left empty."""
    left = [table.columns[name] for name in unique if name not in columns and name in table.columns]
    return not any(each.is_counted or (each.is_nullable and not each.is_filled) for each in left)


def upsert(
    target: sqlalchemy.TableClause, key: str, columns: Sequence[str], dialect: str, *, named: bool = False
) -> sqlalchemy.Insert:
    """Return the statement that makes a row, or changes the one under its key."""
    values = _values(columns, named=named)
    others = [name for name in columns if name != key]
    if dialect in MYSQL:
        made = mysql.insert(target).values(values)
        return made.on_duplicate_key_update({name: made.inserted[name] for name in others or [key]})
    if dialect == "sqlite":
        local = sqlite.insert(target).values(values)
        if not others:
            return local.on_conflict_do_nothing(index_elements=[key])
        return local.on_conflict_do_update(index_elements=[key], set_={name: local.excluded[name] for name in others})
    there = postgresql.insert(target).values(values)
    if not others:
        return there.on_conflict_do_nothing(index_elements=[key])
    return there.on_conflict_do_update(index_elements=[key], set_={name: there.excluded[name] for name in others})


def insert(target: sqlalchemy.TableClause, columns: Sequence[str], *, named: bool = False) -> sqlalchemy.Insert:
    """Return the statement that makes a row."""
    return sqlalchemy.insert(target).values(_values(columns, named=named))


def update(
    target: sqlalchemy.TableClause, key: str, columns: Sequence[str], *, named: bool = False
) -> sqlalchemy.Update:
    """Return the statement that changes columns of the row that ``k`` finds."""
    found_by: sqlalchemy.BindParameter[Any] = sqlalchemy.bindparam(key if named and key not in columns else FOUND_BY)
    return sqlalchemy.update(target).where(target.c[key] == found_by).values(_values(columns, named=named))


def delete(target: sqlalchemy.TableClause, key: str, keys: Sequence[Any]) -> sqlalchemy.Delete:
    """Return the statement that removes the rows under keys."""
    return sqlalchemy.delete(target).where(_is_one_of(target.c[key], keys))


def present(target: sqlalchemy.TableClause, key: str, keys: Sequence[Any]) -> sqlalchemy.Select[Any]:
    """Return the question which of the keys are there; nobody else changes these rows until the transaction ends."""
    return sqlalchemy.select(target.c[key]).where(_is_one_of(target.c[key], keys)).with_for_update()


def _is_one_of(column: sqlalchemy.ColumnClause[Any], keys: Sequence[Any]) -> sqlalchemy.ColumnElement[bool]:
    """Values go without a type of ours: the database knows that of the column."""
    untyped = sqlalchemy.types.NullType()
    return column.in_(sqlalchemy.bindparam("keys", value=list(keys), type_=untyped, expanding=True))


def same(target: sqlalchemy.TableClause, key: str, values: dict[str, Any]) -> sqlalchemy.Select[Any]:
    """Return the question whether a row is what was to be written."""
    found = sqlalchemy.select(sqlalchemy.literal(1)).select_from(target)
    for name, value in values.items():
        bound = sqlalchemy.null() if value is None else sqlalchemy.literal(value, sqlalchemy.types.NullType())
        found = found.where(target.c[name].is_not_distinct_from(bound) if name != key else target.c[name] == bound)
    return found


def unique_index(table: Table, key: str) -> sqlalchemy.schema.CreateIndex:
    """Return the statement that makes a unique index over a key."""
    whole = sqlalchemy.Table(table.name, sqlalchemy.MetaData(), sqlalchemy.Column(key), schema=table.schema)
    return sqlalchemy.schema.CreateIndex(sqlalchemy.Index(f"{table.name}_{key}_key", whole.c[key], unique=True))


def trials(target: sqlalchemy.TableClause, columns: Sequence[str], actions: Collection[str]) -> list[Any]:
    """Return statements that write no row, and are refused where the user lacks the right to write one."""
    never = sqlalchemy.literal(1) == sqlalchemy.literal(0)
    nothing = sqlalchemy.select(*(target.c[name] for name in columns)).where(never)
    found: list[Any] = [nothing]
    if {"upsert", "create"} & {*actions}:
        found.append(sqlalchemy.insert(target).from_select(list(columns), nothing))
    if {"upsert", "update"} & {*actions}:
        found.append(sqlalchemy.update(target).where(never).values({name: target.c[name] for name in columns}))
    if "delete" in actions:
        found.append(sqlalchemy.delete(target).where(never))
    return found

"""What a table is: its columns, what each of them takes, and which of them tell rows apart. Read from the database's catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, Literal

import sqlalchemy
from sqlalchemy import types as sql_types
from sqlalchemy.exc import NoSuchTableError

from syncflow.adapters.sql.faults import Fault
from syncflow.frozen import value_class

Kind = Literal[
    "text", "option", "uuid", "integer", "decimal", "float", "boolean", "date", "moment", "time", "json", "list", "bytes", "other"
]  # fmt: skip
_BITS = {"smallint": 16, "tinyint": 8, "mediumint": 24, "bigint": 64, "year": 16}
_BYTES_OF_TEXT = {"tinytext": 2**8 - 1, "text": 2**16 - 1, "mediumtext": 2**24 - 1, "longtext": 2**32 - 1}
"""MySQL bounds these by bytes."""


_PLAIN: Sequence[tuple[Any, Kind]] = (
    (sql_types.Boolean, "boolean"),
    (sql_types.Float, "float"),
    (sql_types.DateTime, "moment"),
    (sql_types.Date, "date"),
    (sql_types.Time, "time"),
    (sql_types.JSON, "json"),
    (sql_types.Uuid, "uuid"),
)
_MYSQL = frozenset({"mysql", "mariadb"})


@value_class
class Column:
    """A column, as far as it bounds what may be written."""

    name: str
    kind: Kind
    type: str = ""
    """As the database calls it."""
    length: int | None = None
    """Most characters; of bytes most bytes."""
    bytes: int | None = None
    """Of text: most bytes in UTF-8."""
    minimum: int | None = None
    maximum: int | None = None
    precision: int | None = None
    scale: int | None = None
    is_single: bool = False
    """Whether a float has four bytes only."""
    is_zoned: bool = False
    """Whether a time carries its zone."""
    options: tuple[str, ...] = ()
    items: Column | None = None
    """Of a list: what its elements are."""
    is_nullable: bool = True
    is_filled: bool = False
    """Whether the database fills it where a row leaves it out."""
    is_generated: bool = False
    """Whether it is the database alone that writes it."""
    is_counted: bool = False
    """Whether the database counts it up where a row leaves it out."""
    folds_case: bool = False
    """Whether texts that differ in case are the same to it."""


@value_class
class Table:
    """A table: its columns by name, and the sets of them that no two rows share."""

    name: str
    schema: str | None
    columns: Mapping[str, Column]
    unique: tuple[tuple[str, ...], ...]
    primary_key: tuple[str, ...] = field(default=())

    @property
    def needed(self) -> frozenset[str]:
        """The columns without which no row can be made."""
        return frozenset(
            name
            for name, each in self.columns.items()
            if not (each.is_nullable or each.is_filled or each.is_generated or each.is_counted)
        )

    def is_unique(self, column: str) -> bool:
        """Whether no two rows share a value of a column."""
        return (column,) in self.unique


class NoTableError(Exception):
    """There is no such table, or the user may not see it."""


def place_of(object_name: str, schema: str | None) -> tuple[str | None, str]:
    """Return the schema and the name of a table: an object may name its schema itself, ``sales.orders``."""
    named, dot, table = object_name.partition(".")
    return (named, table) if dot else (schema, object_name)


def read_table(connection: sqlalchemy.Connection, object_name: str, schema: str | None) -> Table:
    """Read what a table is.

    Raises:
        NoTableError: there is none.
        sqlalchemy.exc.DBAPIError: the database cannot be asked.
    """
    schema, name = place_of(object_name, schema)
    inspector = sqlalchemy.inspect(connection)
    try:
        found = inspector.get_columns(name, schema=schema)
        primary = tuple(inspector.get_pk_constraint(name, schema=schema).get("constrained_columns") or ())
        constraints = inspector.get_unique_constraints(name, schema=schema)
        own = (
            {"include_auto_indexes": True} if connection.dialect.name == "sqlite" else {}
        )  # those of UNIQUE in a column
        indexes = inspector.get_indexes(name, schema=schema, **own)
    except NoSuchTableError as error:
        raise NoTableError(object_name) from error
    dialect = connection.dialect.name
    columns = {each["name"]: column_of(each, dialect, primary=primary) for each in found}
    sets = [primary, *(tuple(each["column_names"]) for each in constraints), *_unique_indexes(indexes)]
    unique = tuple(dict.fromkeys(_known(each) for each in sets if each and None not in each))
    return Table(name, schema, columns, unique, primary)


def missing_columns(table: Table, names: Iterable[str]) -> list[str]:
    """Return the columns that a table lacks."""
    return [name for name in names if name not in table.columns]


def lacks(table: Table, names: Iterable[str]) -> Fault | None:
    """Return what is wrong where a table lacks columns."""
    missing = missing_columns(table, names)
    if not missing:
        return None
    known = ", ".join(table.columns)
    words = f"the table {table.name} has no column {', '.join(missing)}"
    return Fault("wrong", "column", words, f"it has {known}; `syncflow validate --online` compares it with the mapping")


def _known(names: Sequence[str | None]) -> tuple[str, ...]:
    return tuple(name for name in names if name is not None)


def _unique_indexes(indexes: Sequence[Any]) -> list[tuple[str | None, ...]]:
    """Return the columns of indexes under which no two rows are alike: none of an expression, of some rows, or of a text's beginning."""
    return [
        tuple(each["column_names"])
        for each in indexes
        if each.get("unique")
        and not each.get("expressions")
        and not any(
            value for name, value in each.get("dialect_options", {}).items() if name.endswith(("_where", "_length"))
        )
    ]


def column_of(found: Any, dialect: str, *, primary: Sequence[str]) -> Column:
    """Return a column as the catalogue describes it."""
    kind: Any = found["type"]
    identity, computed = found.get("identity"), found.get("computed")
    counted = bool(identity) or found.get("autoincrement") is True
    if dialect == "sqlite" and primary == (found["name"],) and isinstance(kind, sql_types.INTEGER):
        counted = True  # another name of the rowid
    default = found.get("default")
    counted = counted or (isinstance(default, str) and default.startswith("nextval("))
    return _typed(
        kind,
        dialect,
        name=found["name"],
        is_nullable=bool(found.get("nullable", True)) and found["name"] not in primary,
        is_filled=default is not None,
        is_generated=bool(computed) or bool(identity and identity.get("always")),
        is_counted=counted,
    )


def _typed(kind: Any, dialect: str, **traits: Any) -> Column:  # noqa: PLR0911  # one line a type
    """Return a column of a type of SQLAlchemy."""
    if _word(kind) == "domain":
        kind = kind.data_type
    word = _word(kind)
    traits["type"] = word
    match kind:
        case sql_types.Enum():
            return Column(kind="option", options=tuple(kind.enums), **traits)
        case sql_types.Integer() if not isinstance(kind, sql_types.Boolean):
            return _integer(kind, word, dialect, traits)
        case sql_types.Numeric() if not isinstance(kind, sql_types.Float):
            return Column(kind="decimal", precision=kind.precision, scale=kind.scale, **traits)
        case sql_types.ARRAY():
            items = _typed(kind.item_type, dialect, name=traits["name"])
            return Column(kind="list", items=items, **traits)
        case sql_types.String():
            return _text(kind, word, dialect, traits)
        case sql_types.LargeBinary() | sql_types.BINARY() | sql_types.VARBINARY():
            return Column(kind="bytes", length=getattr(kind, "length", None), **traits)
    if word == "bit" and dialect in _MYSQL and getattr(kind, "length", None) == 1:
        return Column(kind="boolean", **traits)
    found: Kind = next((name for base, name in _PLAIN if isinstance(kind, base)), "other")
    is_single = word == "real" or (word == "float" and dialect in _MYSQL)
    return Column(kind=found, is_single=is_single, is_zoned=bool(getattr(kind, "timezone", False)), **traits)


def _word(kind: Any) -> str:
    name: str = getattr(kind, "__visit_name__", "") or type(kind).__name__
    return name.lower()


def _integer(kind: Any, word: str, dialect: str, traits: dict[str, Any]) -> Column:
    if dialect in _MYSQL and word == "tinyint" and getattr(kind, "display_width", None) == 1:
        return Column(kind="boolean", **traits)
    bits = 64 if dialect == "sqlite" else _BITS.get(word, 32)
    bits = {"small_integer": 16, "big_integer": 64}.get(word, bits)
    if getattr(kind, "unsigned", False):
        return Column(kind="integer", minimum=0, maximum=2**bits - 1, **traits)
    return Column(kind="integer", minimum=-(2 ** (bits - 1)), maximum=2 ** (bits - 1) - 1, **traits)


def _text(kind: Any, word: str, dialect: str, traits: dict[str, Any]) -> Column:
    if word == "citext":
        return Column(kind="text", folds_case=True, **traits)
    if word == "set":
        return Column(kind="other", **traits)
    is_mysql = dialect in _MYSQL
    most_bytes = _BYTES_OF_TEXT.get(word) if is_mysql else None
    collation = getattr(kind, "collation", None) or ""
    folds = collation.endswith("_ci") or (is_mysql and not collation) or collation.upper() == "NOCASE"
    if most_bytes is not None:
        return Column(kind="text", bytes=most_bytes, folds_case=folds, **traits)
    return Column(kind="text", length=getattr(kind, "length", None), folds_case=folds, **traits)

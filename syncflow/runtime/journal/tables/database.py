"""A connection as the tables use it: SQL that SQLite and PostgreSQL read alike, and the few things that each does in its own way.

Values stand as ``?``. Booleans are TRUE and FALSE, the name ``offset`` is written in quotes, a conflict names its columns, and a column
that an insert changes is written with its table. Used as a context, a connection is a transaction, as with ``sqlite3``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

Row = Sequence[Any]
Columns = Mapping[str, str]
"""Names of columns, in order, with their types: text, bigint, float8, boolean or bytea."""

IS_OPEN = "state IN ('waiting', 'sending', 'retrying')"
"""Of a delivery: it is not settled."""
IS_HELD_ELSEWHERE = "held != '' AND (held != compared OR state != 'present')"
"""Of presence: what is there is not what is intended; those rows have an index of their own."""


class Cursor(Protocol):
    """What a statement found or changed."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        ...

    @property
    def description(self) -> Any:
        """The columns, each with its name first."""
        ...

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Database(Protocol):
    """One connection to a journal."""

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Cursor:
        """Run a statement."""
        ...

    def executemany(self, sql: str, rows: Iterable[Any], /) -> Any:
        """Run a statement for each row."""
        ...

    def among(self, sql: str, values: Sequence[Any], *, before: Sequence[Any] = ()) -> list[Any]:
        """Return the rows of a query in which ``{among}`` stands for "is one of these values"; any number of them.

        ``before``: the values of the ``?`` that stand before it.
        """
        ...

    def stream(self, query: str, values: Sequence[Any]) -> Iterator[dict[str, Any]]:
        """Yield what a query finds, each row as a mapping of its columns, however much it is."""
        ...

    def insert(self, table: str, columns: Columns, rows: Sequence[Row], *, tail: str = "") -> None:
        """Insert many rows; ``tail`` says what to do about a conflict."""
        ...

    def update(self, head: str, types: str, rows: Sequence[Row], *, where: str, returning: str = "") -> list[Any]:
        """Run ``head FROM rows AS v WHERE where``; a row's values are ``v.column1``, ``v.column2`` …, of these types.

        Return the columns ``returning`` of each row that was changed, as it is now.
        """
        ...

    def has(self, table: str, column: str = "") -> bool:
        """Whether there is a table, with this column: a journal of an earlier version may lack it."""
        ...

    def used_bytes(self) -> int:
        """Return how much room the journal takes, without what is free for new rows."""
        ...

    def disk_bytes(self) -> int:
        """Return how much of the disk the journal takes, with its log and with what is free for new rows."""
        ...

    def written_by_others(self) -> int:
        """Return a number that changes whenever another connection changed what a person may change."""
        ...

    def give_back(self) -> None:
        """Give room that is free back to the system, a little of it."""
        ...

    def erase_for_good(self) -> None:
        """Let nothing that is erased in this transaction stay readable in the files, as far as this can be had."""
        ...

    def close(self) -> None:
        """Let go of it; what was not committed is gone."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None: ...


def marks(values: Iterable[Any]) -> str:
    """Return as many ``?`` as there are values."""
    return ", ".join("?" for _ in values)


def named_rows(database: Database, query: str, *values: Any) -> list[dict[str, Any]]:
    """Return what a query finds, each row as a mapping of its columns."""
    cursor = database.execute(query, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]

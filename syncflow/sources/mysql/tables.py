"""Our tables as the log knows them: the columns of each, as they were when its rows were written. Tells of those that come and go.

A statement that changes a table makes all of them stale: they are looked up again before the next packet is read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from syncflow.errors import ProjectError
from syncflow.sources.base import Report
from syncflow.sources.mysql.catalog import Table
from syncflow.sources.mysql.errors import ANEW
from syncflow.sources.mysql.layouts import Facts, Layout, read_layout


class KnownTables:
    def __init__(
        self,
        tables: Mapping[str, Table],
        *,
        now: Callable[[], Awaitable[Mapping[str, Table]]],
        charset_of: Callable[[int], str],
        is_mariadb: bool,
        report: Callable[[Report], None],
    ) -> None:
        """Begin with the tables as they are; ``now`` looks them up again."""
        self._tables = dict(tables)
        self._now = now
        self._charset_of = charset_of
        self._report = report
        self._columns: dict[str, Mapping[str, int]] = {}
        self.is_mariadb = is_mariadb
        self.is_stale = False

    @property
    def names(self) -> list[str]:
        return list(self._tables)

    def __getitem__(self, name: str) -> Table:
        return self._tables[name]

    def defined(self, names: Sequence[str]) -> None:
        """Take note that a statement has changed these."""
        for name in names:
            if name not in self._columns:
                self._columns[name] = {facts.name: -1 for facts in self._tables[name].columns}
        self.is_stale = True

    async def look_again(self) -> None:
        self.is_stale = False
        for name, table in (await self._now()).items():
            if table.columns and table.key:
                self._tables[name] = table

    def layout_of(self, name: str, body: bytes) -> Layout | None:
        """Read a table map; None of a table that is not ours.

        Raises:
            ProjectError: the log does not name the columns, and they cannot be those that the table has now.
        """
        table = self._tables.get(name)
        if table is None:
            return None
        layout = read_layout(body, known=table.columns, charset_of=self._charset_of, is_mariadb=self.is_mariadb)
        if not layout.is_described and not is_same(layout, table.columns):
            raise ProjectError(
                f"the columns of {name} have changed since, and the binlog does not name them",
                hint=f"SET GLOBAL binlog_row_metadata = FULL; so that it will. Now {ANEW}",
            )
        now = {column.facts.name: column.type for column in layout.columns}
        for words in changes_of(name, self._columns.get(name, now), now):
            self._report(words)
        self._columns[name] = now
        return replace(layout, key=table.key)


_TYPES: Mapping[str, frozenset[int]] = {
    "tinyint": frozenset({1}), "smallint": frozenset({2}), "mediumint": frozenset({9}), "int": frozenset({3}), "bigint": frozenset({8}),
    "float": frozenset({4}), "double": frozenset({5}), "decimal": frozenset({246}), "bit": frozenset({16}), "year": frozenset({13}),
    "date": frozenset({10}), "time": frozenset({11, 19}), "datetime": frozenset({12, 18}), "timestamp": frozenset({7, 17}),
    "char": frozenset({254}), "binary": frozenset({254}), "varchar": frozenset({15, 141}), "varbinary": frozenset({15, 141}),
    "enum": frozenset({247}), "set": frozenset({248}), "json": frozenset({245}), "uuid": frozenset({254}), "inet4": frozenset({254}),
    "inet6": frozenset({254}), **dict.fromkeys(("tinytext", "text", "mediumtext", "longtext"), frozenset({252, 140})),
    **dict.fromkeys(("tinyblob", "blob", "mediumblob", "longblob"), frozenset({252, 140})),
}  # fmt: skip


def is_same(layout: Layout, known: Sequence[Facts]) -> bool:
    """Whether columns in the log can be those that the table has now."""
    return len(layout.columns) == len(known) and all(
        column.type in _TYPES.get(facts.data_type, frozenset({column.type}))
        for column, facts in zip(layout.columns, known, strict=True)
    )


def changes_of(table: str, before: Mapping[str, int], now: Mapping[str, int]) -> list[Report]:
    """Return what has become of the columns of a table; a type of -1 is not known."""
    new = [name for name in now if name not in before]
    gone = [name for name in before if name not in now]
    other = [name for name in now if name in before and before[name] not in {-1, now[name]}]
    reports = []
    if new:
        reports.append(Report("noted", f"{table} has a new column: {', '.join(new)}"))
    if gone:
        reports.append(Report("changed", f"{table} has no column {', '.join(gone)} any more"))
    if other:
        reports.append(Report("changed", f"{table} has another type of column: {', '.join(other)}"))
    return reports

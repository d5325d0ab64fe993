"""For ``syncflow check``: does the database let us in, does the query run, and are the columns there that the settings name?"""

from __future__ import annotations

from syncflow.errors import SyncflowError, UnavailableError
from syncflow.sources.base import Finding
from syncflow.sources.sql.described import ColumnType
from syncflow.sources.sql.table import SqlTable, columns_of


def check_query(table: SqlTable) -> list[Finding]:
    """Return what is good and what is not. Blocking; no row is read."""
    try:
        table.check()
    except SyncflowError as error:
        return [_bad(error)]
    good = Finding("the database lets us in")
    try:
        columns = table.database.columns(table.settings.query)
        found = Finding(f"the query returns {_listed(columns)}")
        columns_of([column.name for column in columns], table.settings)
    except SyncflowError as error:
        return [good, _bad(error)]
    finally:
        table.close()
    return [good, found]


def _bad(error: SyncflowError) -> Finding:
    return Finding(error.message, error.hint, is_good=False, is_unreachable=isinstance(error, UnavailableError))


def _listed(columns: list[ColumnType]) -> str:
    return ", ".join(f"{column.name} ({column.type})" if column.type else column.name for column in columns)

"""What can be told of the settings of a source ``mysql`` before it is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from syncflow.config.diagnostics import Diagnostic, did_you_mean, one_of
from syncflow.config.documents import Document
from syncflow.config.models.routes import RoutesFile
from syncflow.config.models.source_mysql import MysqlSource
from syncflow.patterns import lazy_pattern

_ADDRESS = lazy_pattern(r"(?:mysql|mariadb)://(?P<server>[^/?#]*)(?:/(?P<database>[^?#]*))?")


def check_mysql(
    routes: Document[RoutesFile], mysql: MysqlSource, at: tuple[str, ...], is_installed: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    """Yield a missing package, an address of something else, tables of no kind of record, without a database, or named twice."""
    if not is_installed("pymysql"):
        message, hint = "reading from MySQL needs a package that is not installed", "pip install 'syncflow[mysql]'"
        yield routes.report("SF222", message, *at, at_key=True, hint=hint)
    is_known = not routes.is_unset(*at, "url")
    address = _ADDRESS.match(mysql.url)
    if is_known and address is None:
        expected = "an address such as mysql://user:password@host:3306/name"
        yield routes.report("SF205", "`url` is not written like this", *at, "url", expected=expected)
    database = (address["database"] if address else "") or ""
    kinds, seen = list(routes.model.records), dict[str, str]()
    for table, kind in mysql.tables.items():
        if kind not in kinds:
            message, close = f"there is no kind of record `{kind}`", did_you_mean(kind, kinds)
            yield routes.report("SF404", message, *at, "tables", table, expected=one_of(kinds), suggestion=close)
        if "." not in table and is_known and address is not None and not database:
            message = f"`{table}` is in no database: `url` ends without one"
            yield routes.report("SF205", message, *at, "tables", table, at_key=True, expected=f"database.{table}")
        full = table if "." in table else f"{database}.{table}"
        if full in seen:
            message = f"`{seen[full]}` and `{table}` are the same table"
            yield routes.report("SF205", message, *at, "tables", table, at_key=True, expected="each table once")
        seen[full] = table

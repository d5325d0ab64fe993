"""Systems that are databases: the adapter that stands for one, and what can be told of its settings before it is asked.

Everything that reads what an adapter can do (routes, checks, limits, batches) reads it of a database as well: ``DatabaseAdapter`` has
operations without requests, since statements are made of the mapping's object (``adapters/sql``). It is called as its system, so the
target of a mapping is ``<system>/<table>``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final
from zoneinfo import ZoneInfo

from syncflow.config.databases import missing_package
from syncflow.config.diagnostics import Diagnostic, did_you_mean
from syncflow.config.documents import Document
from syncflow.config.models.adapter import AdapterFile, Limit
from syncflow.config.models.operation import Operation, OperationBatch
from syncflow.config.models.routes import RoutesFile, SystemSettings
from syncflow.events import Action

MOST_ROWS: Final = 500
"""Rows that are written in one transaction."""
MOST_CONNECTIONS: Final = 4
SCHEMES: Final = ("postgresql", "postgres", "mysql", "mariadb", "sqlite")
"""The databases that are written to; a driver may follow: mysql+pymysql."""
_ACTIONS: Final[tuple[Action, ...]] = ("upsert", "create", "update", "delete")
_OF_HTTP: Final = {
    "base_url": "the address is `url` under `sql`",
    "auth": "user and password stand in `url` under `sql`",
    "options": "an adapter has options, a database has none",
    "allow_hosts": "a database is asked at the host in `url` alone",
    "tls": "write it as the driver does, at the end of `url`: ?sslmode=verify-full&sslrootcert=ca.pem",
}


class DatabaseAdapter(AdapterFile):
    """What can be done with rows of a database. A second sending changes nothing more."""

    @property
    def describes(self) -> bool:
        return True

    @property
    def speaks_http(self) -> bool:
        return False


def database_adapter(name: str) -> DatabaseAdapter:
    """Return the adapter of the system ``name``: made and not read, for its operations have no requests."""
    operation = Operation.model_construct(repeat="safe", batch=OperationBatch(records=MOST_ROWS))
    return DatabaseAdapter.model_construct(
        adapter=name,
        description="Rows of a database.",
        base_url="",
        limits=(Limit(in_flight=MOST_CONNECTIONS),),
        objects={},
        operations=dict.fromkeys(_ACTIONS, operation),
    )


def check_databases(routes: Document[RoutesFile], *, is_installed: Callable[[str], bool]) -> Iterator[Diagnostic]:
    """Yield what is wrong with the settings of systems that are databases. ``is_installed`` is asked for the packages of extras."""
    systems = routes.model.systems
    for name, settings in systems.items():
        other = systems.get(settings.adapter)
        if settings.sql is None and other is not None and other.sql is not None:
            message = f"`{settings.adapter}` is a system of this project, a database, and no adapter of others"
            yield routes.report("SF205", message, "systems", name, "adapter", hint="give that system another name")
        if settings.sql is not None:
            yield from _settings(routes, name, settings)
            yield from _address(routes, name, settings.sql.url, is_installed)
            yield from _zone(routes, name, settings.sql.timezone)


def _settings(routes: Document[RoutesFile], name: str, settings: SystemSettings) -> Iterator[Diagnostic]:
    for word, hint in _OF_HTTP.items():
        if word in settings.model_fields_set:
            message = f"`{word}` has no meaning for a database"
            yield routes.report("SF205", message, "systems", name, word, at_key=True, hint=hint)


def _address(
    routes: Document[RoutesFile], name: str, url: str, is_installed: Callable[[str], bool]
) -> Iterator[Diagnostic]:
    at = ("systems", name, "sql", "url")
    if routes.is_unset(*at) or "${" in url:  # files are checked without their variables
        return
    scheme = re.match(r"([A-Za-z][\w.-]*)(\+\w+)?://", url)
    expected = "postgresql://user:password@host/name, mysql://…, mariadb://… or sqlite:///file.db"
    if scheme is None:
        yield routes.report("SF205", "this is no address of a database", *at, expected=expected)
    elif scheme[1] not in SCHEMES:
        close = did_you_mean(scheme[1], SCHEMES)
        message = f"rows of `{scheme[1]}` cannot be written"
        yield routes.report("SF205", message, *at, expected=expected, suggestion=close)
    elif package := missing_package(url, is_installed):
        message = "the database needs a package that is not installed"
        yield routes.report("SF222", message, *at, hint=f"pip install {package}")
    elif scheme[1] == "sqlite" and not url.removeprefix(scheme[0]).strip("/"):
        hint = "name a file: sqlite:///file.db"
        yield routes.report("SF205", "a database in memory is gone after the run", *at, hint=hint)


def _zone(routes: Document[RoutesFile], name: str, zone: str) -> Iterator[Diagnostic]:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        at = ("systems", name, "sql", "timezone")
        if not routes.is_unset(*at):
            message = f"there is no time zone `{zone}`"
            yield routes.report("SF205", message, *at, expected="a name such as Europe/Berlin, or UTC")

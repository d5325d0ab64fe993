"""Where a database is: the driver where the address leaves it out, and files relative to the project."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy

from syncflow.config.databases import DEFAULT_DRIVERS
from syncflow.errors import ProjectError

FILES = frozenset({"sqlite", "duckdb"})
"""Databases that are a file."""


def completed(address: sqlalchemy.URL, base: Path) -> sqlalchemy.URL:
    """Name the driver where the address leaves it out, and say where a file is."""
    driver = DEFAULT_DRIVERS.get(address.drivername)
    known = address.set(drivername=driver) if driver else address
    is_file = known.get_backend_name() in FILES
    if is_file and known.database and not known.database.startswith((":", "file:", "md:")):
        known = known.set(database=str(base / known.database))
    return known


def check_file(address: sqlalchemy.URL, *, place: str) -> None:
    """Refuse a file that is not there: drivers would make it.

    Raises:
        ProjectError: with the ``place`` of the address.
    """
    name = address.database
    if address.get_backend_name() not in FILES or not name or name.startswith((":", "file:", "md:")):
        return
    if not Path(name).is_file():
        raise ProjectError(
            f"there is no database file {name}",
            hint=f"paths in `{place}` are relative to the routes file: sqlite:///file.db",
        )

"""Where a journal is kept, for those who ask: a file of SQLite, or a schema of PostgreSQL. The questions are asked by ``runtime/desk``."""

from __future__ import annotations

from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from syncflow.config.journal_place import Place, PostgresPlace
from syncflow.errors import UnavailableError
from syncflow.runtime.journal.lock import holder_of
from syncflow.runtime.journal.sqlite import looking as in_file
from syncflow.runtime.journal.tables.database import Database


def is_there(place: Place) -> bool:
    """Whether there is a journal.

    Raises:
        UnavailableError: this cannot be found out.
    """
    return place.exists() if isinstance(place, Path) else bool(_postgres().exists(place))


def reading(place: Place) -> AbstractContextManager[Database]:
    """Open a journal that is there, to change nothing; waits for no run.

    Raises:
        UnavailableError: there is none, or it cannot be read.
    """
    if isinstance(place, Path):
        return in_file.reading(place)
    found: AbstractContextManager[Database] = _postgres().reading(place)
    return found


def writing(place: Place) -> AbstractContextManager[Database]:
    """Open a journal that is there, to change what a person may change while a run goes on.

    Raises:
        UnavailableError: there is none, it cannot be used, or a run of another version holds it.
    """
    if isinstance(place, Path):
        return in_file.writing(place)
    found: AbstractContextManager[Database] = _postgres().writing(place)
    return found


def holder(place: Place) -> str:
    """Return who runs on a journal now, in words; empty where no run goes on."""
    return holder_of(place) if isinstance(place, Path) else str(_postgres().holder(place))


def workers(place: Place) -> list[dict[str, Any]]:
    """Return the workers that share a journal, as ``tables.sharing.workers_of`` does; none of a file, which one run has for itself."""
    return [] if isinstance(place, Path) else list(_postgres().workers(place))


def name_of(place: Place) -> str:
    """Return how a journal is called, without anything secret."""
    return str(place) if isinstance(place, Path) else str(_postgres().name_of(place))


def pulse(place: Place) -> str:
    """Return a text that changes when something is written; costs next to nothing, and never raises."""
    return in_file.pulse(place) if isinstance(place, Path) else str(_postgres().pulse(place))


def settle_down(place: Place) -> None:
    """Leave nothing of what was erased in files beside the journal."""
    if isinstance(place, Path):
        in_file.settle_down(place)


def file_of(place: Place, *, instead: str) -> Path:
    """Return the journal's file, for what is done with a file only.

    Raises:
        UnavailableError: a database keeps it; ``instead`` says what does it there.
    """
    if isinstance(place, PostgresPlace):
        raise UnavailableError(f"{name_of(place)} is no file", hint=instead)
    return place


def _postgres() -> ModuleType:
    """Load what speaks to PostgreSQL only where it is needed: its package is an extra."""
    return import_module("syncflow.runtime.journal.postgres.looking")

"""Where a journal is kept, for those who ask: a file of SQLite, or a schema of PostgreSQL. The questions are asked by ``runtime/desk``."""

from __future__ import annotations

from contextlib import AbstractContextManager

from syncflow.config.journal_place import Place
from syncflow.runtime.journal.lock import holder_of
from syncflow.runtime.journal.sqlite import looking
from syncflow.runtime.journal.tables.database import Database


def is_there(place: Place) -> bool:
    """Whether there is a journal.

    Raises:
        UnavailableError: this cannot be found out.
    """
    return place.exists()


def reading(place: Place) -> AbstractContextManager[Database]:
    """Open a journal that is there, to change nothing; waits for no run.

    Raises:
        UnavailableError: there is none, or it cannot be read.
    """
    return looking.reading(place)


def writing(place: Place) -> AbstractContextManager[Database]:
    """Open a journal that is there, to change what a person may change while a run goes on.

    Raises:
        UnavailableError: there is none, it cannot be used, or a run of another version holds it.
    """
    return looking.writing(place)


def holder(place: Place) -> str:
    """Return who runs on a journal now, in words; empty where no run goes on."""
    return holder_of(place)


def settle_down(place: Place) -> None:
    """Leave nothing of what was erased in files beside the journal."""
    looking.settle_down(place)

"""A journal in PostgreSQL for those who ask, also while a run writes it. Only a run makes tables or changes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg

from syncflow.config.journal_place import PostgresPlace
from syncflow.errors import SyncflowError, UnavailableError
from syncflow.runtime.journal.postgres import lock
from syncflow.runtime.journal.postgres.connecting import CLOCK, Wire, connect, name_of, user_of
from syncflow.runtime.journal.postgres.database import PostgresDatabase
from syncflow.runtime.journal.postgres.errors import has_unfit_text, refused
from syncflow.runtime.journal.postgres.opening import version_of
from syncflow.runtime.journal.postgres.schema import MIGRATIONS
from syncflow.runtime.journal.tables.sharing import workers_of


@contextmanager
def reading(place: PostgresPlace) -> Iterator[PostgresDatabase]:
    """Open a journal that is there, to change nothing.

    Raises:
        UnavailableError: there is none, or it cannot be read.
    """
    with writing(place) as database:
        database.execute("SET default_transaction_read_only = on")
        yield database


@contextmanager
def writing(place: PostgresPlace) -> Iterator[PostgresDatabase]:
    """Open a journal that is there.

    Raises:
        UnavailableError: there is none, it is of another version, or it cannot be used.
    """
    with _asking(place) as wire:
        version = version_of(wire, place)
        if not version:
            raise UnavailableError(
                f"there is no {name_of(place).removeprefix('the ')}", hint="`syncflow run` makes one"
            )
        if version < len(MIGRATIONS):
            raise UnavailableError(
                f"{name_of(place)} is of an earlier version", hint="`syncflow run` brings it up to date"
            )
        yield PostgresDatabase(wire)


def exists(place: PostgresPlace) -> bool:
    """Whether the schema holds a journal.

    Raises:
        UnavailableError: this cannot be found out.
    """
    with _asking(place) as wire:
        return version_of(wire, place) > 0


def holder(place: PostgresPlace) -> str:
    """Return who runs on a journal now, in words; empty where no run goes on."""
    with _asking(place) as wire:
        return lock.holder(wire, place)


def workers(place: PostgresPlace) -> list[dict[str, Any]]:
    """Return the workers that share a journal, with what each holds; ``silent``: seconds since its claims ended, None where it lives."""
    with reading(place) as journal:
        return workers_of(journal, float(journal.execute(CLOCK).fetchone()[0]))


def pulse(place: PostgresPlace) -> str:
    """Return a text that changes when something is written, by a run or by a person; ``-`` where it cannot be found out."""
    try:
        with reading(place) as journal:
            return "_".join(
                map(str, journal.execute("SELECT run, c.number, w.number FROM commits c, wishes w").fetchone())
            )
    except SyncflowError:
        return "-"


@contextmanager
def _asking(place: PostgresPlace) -> Iterator[Wire]:
    with closing(connect(place, purpose="question")) as wire:
        try:
            yield wire
        except psycopg.Error as error:
            if has_unfit_text(error):
                raise UnavailableError("a text with the character of number zero is in no journal") from None
            raise refused(name_of(place), error, user=user_of(place), schema=place.schema) from None

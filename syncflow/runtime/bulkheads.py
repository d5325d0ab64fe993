"""Bulkheads: an exception that nobody foresaw costs the smallest thing that holds it, and is told once.

    where it happens                                     it costs
    ---------------------------------------------------  --------------------------------------------------------
    door, routing, mapping or plan of one event          that event: a dead letter ``bug``
    a mark (``redrive``, ``replay``)                      that mark: set aside
    a send, an answer, a page, preparing a settlement    that system: stopped with ``bug``, its deliveries stay open
    a read or a note about one system's deliveries       that system, too
    tidying                                              nothing: tried again a minute later
    loading a changed project                            the reload: the run goes on with the old project
    a note about a reload                                the note
    what the source says of itself (reports, lag, counts) those words
    the source, the journal, anything else               the run, with an error that says so (SF004); the next one goes on

The traceback goes to the log, once for each place, without the exception's words: these may hold values of a record. The journal gets
the exception's type only.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from syncflow.errors import BugError, SyncflowError, UnavailableError
from syncflow.runtime.journal.base import Journal
from syncflow.runtime.observe import warn

T = TypeVar("T")

CODE = "bug"
_TOLD_MOST = 100


class Bugs:
    """Tells of unforeseen exceptions, for one run."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()

    def tell(self, error: Exception, *, during: str, **fields: object) -> str:
        """Log where an unforeseen exception came from, once for each place; return the reason that people are told."""
        frames = traceback.extract_tb(error.__traceback__)
        name = type(error).__name__
        place = name, f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
        if place not in self._told and len(self._told) < _TOLD_MOST:
            self._told.add(place)
            lines = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
            warn(CODE, during=during, error=name, traceback=lines, **fields)
        return f"an unforeseen {name} while {during}; the log shows where"


class JournalBugError(BugError, UnavailableError):
    """A journal's call met an exception that was not foreseen: the run ends, as where the journal cannot be used."""


@contextmanager
def of_source(bugs: Bugs, *, during: str) -> Iterator[None]:
    """Let unforeseen exceptions of a source end the run with an error that says so.

    Raises:
        BugError: something was not foreseen.
    """
    try:
        yield
    except SyncflowError:
        raise
    except Exception as error:
        raise BugError(f"the source failed: {bugs.tell(error, during=during)}") from error


def asked(ask: Callable[[], T], *, otherwise: T, bugs: Bugs) -> T:
    """Return what a source says of itself; an unforeseen exception costs these words alone."""
    try:
        return ask()
    except Exception as error:  # noqa: BLE001  # told, and no reason to read no more
        bugs.tell(error, during="the source was asked how it stands")
        return otherwise


OF_THE_RUN = {
    "open": "it was opened",
    "known": "records were looked up",
    "delivered": "payloads that were delivered were looked up",
    "earlier": "earlier events were looked up",
    "commit": "a chunk was written",
    "settle": "outcomes were written",
    "marks": "marks were read",
    "set_aside": "marks were set aside",
    "activate": "the program took it over",
    "note_usage": "requests were noted",
    "open_marks": "marks were counted",
    "open_elsewhere": "open deliveries were counted",
    "pauses": "pauses were read",
    "open_of": "open deliveries were counted",
    "note_requests": "requests to the source were noted",
    "note_lags": "the lag of the source was noted",
    "note_reload": "a reload was noted",
    "totals": "it was counted",
    "close": "it was closed",
}
"""The calls that are about the run as a whole."""

OF_A_PART = frozenset(
    {
        "page",
        "turn_facts",
        "sending",
        "unsent",
        "stand",
        "note_job",
        "end_job",
        "jobs",
        "was_accepted",
        "tidy",
        "present",
        "beside",
    }
)
"""The calls about one system, or for the source or the tidying: their callers know what an exception costs."""

_FORESEEN: Mapping[str, tuple[type[Exception], ...]] = {"commit": (TypeError,)}
"""A payload that is no JSON: who commits finds out which event it belongs to."""


class _GuardedJournal:
    def __init__(self, journal: Journal, bugs: Bugs) -> None:
        self._journal = journal
        self._bugs = bugs

    def __getattr__(self, name: str) -> Any:
        call, during = getattr(self._journal, name), OF_THE_RUN.get(name)
        if during is None:
            return call

        async def guarded(*arguments: Any, **named: Any) -> Any:
            try:
                return await call(*arguments, **named)
            except BugError as error:  # its process has told it
                raise JournalBugError(error.message) from error
            except SyncflowError:
                raise
            except Exception as error:
                if isinstance(error, _FORESEEN.get(name, ())):
                    raise
                raise JournalBugError(f"the journal failed: {self._bugs.tell(error, during=during)}") from error

        setattr(self, name, guarded)
        return guarded


def guarded_journal(journal: Journal, bugs: Bugs) -> Journal:
    """Return the journal, with errors that say so where one of its calls meets something unforeseen."""
    return cast("Journal", _GuardedJournal(journal, bugs))

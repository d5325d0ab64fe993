"""Bulkheads: an exception that nobody foresaw costs the smallest thing that holds it, and is told once.

    where it happens                                     it costs
    ---------------------------------------------------  --------------------------------------------------------
    door, routing, mapping or plan of one event          that event: a dead letter ``bug``
    a mark (``redrive``, ``replay``)                      that mark: set aside
    a send, an answer, a page, preparing a settlement    that system: stopped with ``bug``, its deliveries stay open
    tidying                                              nothing: tried again a minute later
    the source, the journal                              the run, with an error that says so

The traceback goes to the log, once for each place, without the exception's words: these may hold values of a record. The journal gets
the exception's type only.
"""

from __future__ import annotations

import traceback

from syncflow.runtime.observe import warn

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

"""Reading answers: which element speaks of which record, and what it says. Pure.

In: a decoded body and the records that were sent. Out: a ``Reading``: one ``Said`` for each record, and whether the rest of the
answer leaves room for doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from syncflow.compiler.wire.plans import AnswerPlan, ReaderPlan, Root
from syncflow.compiler.wire.roots import as_text
from syncflow.errors import DataError
from syncflow.events import Json


class Row(NamedTuple):
    """One element of an answer, read."""

    good: bool
    element: Json
    place: str
    vendor_id: str | None = None
    code: str = ""
    message: str = ""


class Said(NamedTuple):
    """What an answer says of one record: nothing, one thing, or things that do not go together."""

    rows: tuple[Row, ...] = ()

    @property
    def good(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.good)

    @property
    def bad(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if not row.good)


@dataclass(frozen=True, slots=True)
class Reading:
    said: tuple[Said, ...]
    strays: tuple[Row, ...] = ()
    """Elements that speak of no record that was sent."""
    doubtful: bool = False
    """Whether the list of results is absent, beside a list of failures."""
    trouble: str = ""
    """Why the shape of the answer is not the one described; then nothing in it counts."""


class _ShapeError(Exception):
    """The answer is not built as the adapter says."""


def read_answer(answer: AnswerPlan, bodies: Sequence[Json], records: Sequence[Root], shared: Root) -> Reading:
    """Match the elements of a good answer, page after page, with the records that were sent.

    An answer without readers speaks of all alike.
    """
    if answer.results is None and answer.failures is None:
        row = Row(good=True, element=bodies[-1], place=answer.place)
        return Reading(tuple(Said((row,)) for _ in records))
    said: list[list[Row]] = [[] for _ in records]
    strays: list[Row] = []
    try:
        for reader, good, optional in _readers(answer):
            for position, row in _rows(reader, bodies, records, shared, good=good, optional=optional):
                (strays if position is None else said[position]).append(row)
    except _ShapeError as error:
        return Reading((), trouble=str(error))
    results = answer.results
    doubtful = results is not None and any(_value_of(results, body) is None for body in bodies)
    return Reading(tuple(Said(tuple(rows)) for rows in said), tuple(strays), doubtful)


def _readers(answer: AnswerPlan) -> Iterable[tuple[ReaderPlan, bool, bool]]:
    """Yield each reader, whether its elements are successes, and whether its list may be absent."""
    if answer.results is not None:
        yield answer.results, True, answer.failures is not None
    if answer.failures is not None:
        yield answer.failures, False, True


def _rows(
    reader: ReaderPlan, bodies: Sequence[Json], records: Sequence[Root], shared: Root, *, good: bool, optional: bool
) -> Iterable[tuple[int | None, Row]]:
    alone = len(records) == 1 and len(bodies) == 1
    elements = [one for body in bodies for one in _elements(reader, body, alone=alone, optional=optional)]
    if reader.by_index:
        if good and len(elements) != len(records):
            raise _ShapeError(f"it lists {len(elements)} results for {len(records)} records ({reader.place})")
        for position, element in enumerate(elements):
            yield position if position < len(records) else None, _row(reader, element, shared, good=good)[1]
        return
    known = _known(reader, records)
    for element in elements:
        match, row = _row(reader, element, shared, good=good)
        positions = _positions(match, known)
        if not positions and len(records) == 1 and len(elements) == 1 and not good:
            positions = [0]  # the only refusal there is, of the only record there was
        if not positions:
            yield None, row
        for position in positions:
            yield position, row


def _elements(reader: ReaderPlan, body: Json, *, alone: bool, optional: bool) -> list[Json]:
    found = _value_of(reader, body)
    if found is None and optional and isinstance(body, dict):
        return []
    if isinstance(found, dict) and alone:
        return [found]
    if not isinstance(found, list):
        raise _ShapeError(f"it has no list where {reader.place} expects one")
    return found


def _value_of(reader: ReaderPlan, body: Json) -> Json:
    try:
        return reader.each(body)
    except DataError as error:
        raise _ShapeError(f"it cannot be read as {reader.place} says: {error.message}") from None


def _known(reader: ReaderPlan, records: Sequence[Root]) -> dict[str, list[int]]:
    known: dict[str, list[int]] = {}
    for position, record in enumerate(records):
        try:
            value = reader.with_(record)
        except DataError:
            value = None
        if value is not None:
            known.setdefault(as_text(value), []).append(position)
    return known


def _positions(match: Json, known: dict[str, list[int]]) -> list[int]:
    if isinstance(match, str):
        return known.get(match, [])
    ids = match if isinstance(match, list) else [match]
    return sorted({position for one in ids if one is not None for position in known.get(as_text(one), ())})


def _row(reader: ReaderPlan, element: Json, shared: Root, *, good: bool) -> tuple[Json, Row]:
    """Return what an element is matched by, and what it says."""
    subject = reader.subject(element, shared)
    match = subject.get("match")
    if good and (not reader.says_ok or subject["ok"] is True):
        return match, Row(good=True, element=element, vendor_id=_text(subject["vendor_id"]) or None, place=reader.place)
    told = reader.complaint(element, shared)
    code, message = _text(told["code"]), _text(told["message"])
    return match, Row(good=False, element=element, code=code, message=message, place=reader.place)


def _text(found: Json) -> str:
    return "" if found is None else as_text(found)

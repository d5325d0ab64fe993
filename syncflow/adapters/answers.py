"""Reading answers: which element speaks of which record, and what it says. Pure.

In: a decoded body and the records that were sent. Out: a ``Reading``: one ``Said`` for each record, and whether the rest of the
answer leaves room for doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from syncflow.adapters.truth import says_yes
from syncflow.compiler.wire.expression_input import as_text
from syncflow.compiler.wire.plans import AnswerPlan, ReaderPlan, Root
from syncflow.compiler.wire.readers import kept_as
from syncflow.errors import DataError
from syncflow.events import Json

_KNOWN_TOGETHER = 1000
"""Of how many records what they are known by is made at once."""


class Row(NamedTuple):
    """One element of an answer, read."""

    good: bool
    element: Json
    place: str
    vendor_id: str | None = None
    code: str = ""
    message: str = ""
    kept: Mapping[str, Json] | None = None


Said: TypeAlias = "Sequence[Row]"
"""What an answer says of one record: nothing, one thing, or things that do not go together."""


@dataclass(frozen=True, slots=True)
class Reading:
    said: Sequence[Said]
    strays: Sequence[Row] = ()
    """Elements that speak of no record that was sent."""
    doubtful: bool = False
    """Whether the list of results is absent, beside a list of failures."""
    trouble: str = ""
    """Why the shape of the answer is not the one described; then nothing in it counts."""
    alike: Row | None = None
    """A success that is said of all records, and nothing else is said."""


class _ShapeError(Exception):
    """The answer is not built as the adapter says."""


def read_answer(
    answer: AnswerPlan,
    bodies: Sequence[Json],
    records: Sequence[Root],
    shared: Root,
    *,
    looks: bool = False,
    is_part: bool = False,
) -> Reading:
    """Match the elements of a good answer, page after page, with the records that were sent; ``is_part``: it may tell of others too.

    An answer without readers speaks of all alike. ``looks``: without a body, or with an empty list, nothing was found.
    """
    if answer.results is None and answer.failures is None:
        row = Row(good=True, element=bodies[-1], place=answer.place)
        return Reading(((row,),) * len(records), alike=row)
    said: list[list[Row]] = [[] for _ in records]
    strays: list[Row] = []
    try:
        for reader, good, optional in _readers(answer):
            elements = _all_elements(reader, bodies, records, optional=optional, kind=answer.body, looks=looks)
            if looks and not elements:
                continue
            rows = _rows(reader, elements, records, shared, good=good, looks=looks, is_part=is_part)
            for position, row in rows:
                (strays if position is None else said[position]).append(row)
    except _ShapeError as error:
        return Reading((), trouble=str(error))
    results = answer.results
    told = [body for body in bodies if body is not None or not looks]
    doubtful = results is not None and any(_value_of(results, body) is None for body in told)
    return Reading(said, strays, doubtful)


def read_table(answer: AnswerPlan, pages: Iterable[Sequence[Json]], records: Sequence[Root], shared: Root) -> Reading:
    """Match the rows of a table, page after page, with the records of a job, of which it may leave some out.

    Of a success the row itself is not kept: a job has ten thousand.
    """
    said: list[Sequence[Row]] = [()] * len(records)
    strays: list[Row] = []
    try:
        for reader, good, _ in _readers(answer):
            known = _known(reader, records)
            for page in pages:
                for match, row in _read(
                    reader, _elements(reader, list(page), alone=False, optional=True), shared, good=good
                ):
                    kept = row._replace(element=None) if row.good else row
                    positions = _positions(match, known)
                    strays.extend(() if positions else (kept,))
                    for position in positions:
                        said[position] = (*said[position], kept)
    except _ShapeError as error:
        return Reading((), trouble=str(error))
    return Reading(said, strays)


def read_refusal(reader: ReaderPlan, body: Json, records: Sequence[Root], shared: Root) -> list[list[Row]] | None:
    """Return whom the refusal of several records names, record by record; None where it names nothing, or what was not sent."""
    said: list[list[Row]] = [[] for _ in records]
    try:
        elements = _elements(reader, body, alone=False, optional=True)
        for position, row in _rows(reader, elements, records, shared, good=False):
            if position is None:
                return None
            said[position].append(row)
    except _ShapeError:
        return None
    return said if any(said) else None


def _readers(answer: AnswerPlan) -> Iterable[tuple[ReaderPlan, bool, bool]]:
    """Yield each reader, whether its elements are successes, and whether its list may be absent."""
    if answer.results is not None:
        yield answer.results, True, answer.failures is not None
    if answer.failures is not None:
        yield answer.failures, False, True


def _all_elements(
    reader: ReaderPlan,
    bodies: Sequence[Json],
    records: Sequence[Root],
    *,
    optional: bool,
    kind: str,
    looks: bool,
) -> list[Json]:
    """Return what is listed, page after page. Of an answer that may be without a body, that is one element, whose headers may say
    something; of one that is a text, the text is."""
    alone = len(records) == 1 and len(bodies) == 1
    if alone and bodies[0] is None and kind in {"any", "empty"}:
        return [None]
    if alone and kind == "text" and isinstance(text := _value_of(reader, bodies[0]), str):
        return [text]
    told = [body for body in bodies if body is not None or not looks]
    return [one for body in told for one in _elements(reader, body, alone=alone, optional=optional)]


def _rows(
    reader: ReaderPlan,
    elements: list[Json],
    records: Sequence[Root],
    shared: Root,
    *,
    good: bool,
    looks: bool = False,
    is_part: bool = False,
) -> Iterable[tuple[int | None, Row]]:
    if reader.by_index and looks and len(records) == 1:  # it asked for one record: whatever it finds is that one
        yield from ((0, row) for _, row in _read(reader, elements, shared, good=good))
        return
    if reader.by_index and good and len(elements) != len(records):
        raise _ShapeError(f"it lists {len(elements)} results for {len(records)} records ({reader.place})")
    rows = _read(reader, elements, shared, good=good)
    if reader.by_index:
        yield from ((at if at < len(records) else None, row) for at, (_, row) in enumerate(rows))
        return
    known = _known(reader, records)
    for match, row in rows:
        positions = _positions(match, known)
        if not positions and len(records) == 1 and len(elements) == 1 and not (good or is_part):
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
    for start in range(0, len(records), _KNOWN_TOGETHER):
        for position, found in enumerate(reader.keys(records[start : start + _KNOWN_TOGETHER]), start=start):
            for text in {as_text(value) for value in found.values() if value is not None}:
                known.setdefault(text, []).append(position)
    return known


def _positions(match: Json, known: dict[str, list[int]]) -> list[int]:
    if isinstance(match, str):
        return known.get(match, [])
    ids = match if isinstance(match, list) else [match]
    return sorted({position for one in ids if one is not None for position in known.get(as_text(one), ())})


def _read(reader: ReaderPlan, elements: list[Json], shared: Root, *, good: bool) -> Iterable[tuple[Json, Row]]:
    """Yield what each element is matched by, and what it says."""
    for element, subject in zip(elements, reader.subjects(elements, shared), strict=True):
        if good and (not reader.says_ok or says_yes(subject["ok"])):
            vendor_id = _text(subject["vendor_id"]) or None
            kept = {name: subject[kept_as(name)] for name in reader.keeps} if reader.keeps else None
            row = Row(good=True, element=element, place=reader.place, vendor_id=vendor_id, kept=kept)
        else:
            (told,) = reader.complaints([element], shared)
            code, message = _text(told["code"]), _text(told["message"])
            row = Row(good=False, element=element, place=reader.place, code=code, message=message)
        yield subject.get("match"), row


def _text(found: Json) -> str:
    return found if isinstance(found, str) else "" if found is None else as_text(found)

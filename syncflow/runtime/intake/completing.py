"""Complete events that leave unchanged paths out, by what earlier events of their records told.

In: routed events, and the journal's earlier events of the records. Out: the same events routed anew with the values (``Completed``); then,
where presence shows that the event before was delivered, without the fields that need nothing but unchanged paths: what is there is the
same. A chunk in which no event leaves anything out is handed back as it is.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from syncflow.compiler.door.intake import Completion
from syncflow.compiler.door.unchanged import Earlier, completed
from syncflow.compiler.program import Program
from syncflow.compiler.values import Fault
from syncflow.events import Accepted, Completed, Ignored, ItemPath, Match, Raw, Record, Refused, Routed
from syncflow.runtime.bulkheads import Bugs
from syncflow.runtime.intake.alone import refused_by_bug
from syncflow.runtime.intake.plan import Fate
from syncflow.runtime.journal.base import EarlierThan, IntakeJournal, Presence

PAGE = 20
"""Most events of one record that are read at once."""

_REMEMBERED = 1_000


class _Told(NamedTuple):
    """What the events of a record up to a number told of some paths."""

    event: int
    paths: frozenset[ItemPath]
    said: Earlier


class Completer:
    """Completes the events of a run. It remembers what it found of the last records, so that it never reads their events twice."""

    def __init__(self, journal: IntakeJournal, bugs: Bugs) -> None:
        self._journal = journal
        self._bugs = bugs
        self._program: Program | None = None
        self._remembered: OrderedDict[Record, _Told] = OrderedDict()

    async def completed(self, fates: Sequence[Fate], program: Program) -> Sequence[Fate]:
        """Return the fates of new events, in order; the same sequence where none leaves anything out.

        Raises:
            UnavailableError: the journal failed.
        """
        completion, wanted = program.completion, wanted_paths(fates)
        if completion is None or not wanted:
            return fates
        if program is not self._program:
            self._program = program
            self._remembered.clear()
        known = await self._look_up(completion, {record: (paths, None) for record, paths in wanted.items()})
        for record, told in known.items():
            self._remembered[record] = told
            self._remembered.move_to_end(record)
        while len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        return completed_in_turn(fates, known, program, self._bugs)

    async def completed_again(self, fate: Fate, program: Program, *, before: int) -> Fate:
        """Return the fate of a journaled event, by the events before it.

        Raises:
            UnavailableError: the journal failed.
        """
        completion, wanted = program.completion, wanted_paths([fate])
        if completion is None or not wanted:
            return fate
        known = await self._look_up(completion, {record: (paths, before) for record, paths in wanted.items()})
        return completed_in_turn([fate], known, program, self._bugs)[0]

    async def _look_up(
        self, completion: Completion, wanted: Mapping[Record, tuple[frozenset[ItemPath], int | None]]
    ) -> dict[Record, _Told]:
        searches = {
            record: _Search(record, paths, before, None if before else self._known(record, paths))
            for record, (paths, before) in wanted.items()
        }
        while open_ones := [search for search in searches.values() if search.is_open]:
            pages = await self._journal.earlier([search.wanted for search in open_ones], most=PAGE)
            for search, page in zip(open_ones, pages, strict=True):
                search.add(page, [told(completion, raw, self._bugs) for _, raw in page], most=PAGE)
        return {record: search.told for record, search in searches.items()}

    def _known(self, record: Record, paths: frozenset[ItemPath]) -> _Told | None:
        """What is remembered, unless it is of other paths."""
        told = self._remembered.get(record)
        return told if told is not None and paths <= told.paths else None


class _Search:
    """Looks for the values of paths in the events of one record, newest first."""

    def __init__(self, record: Record, paths: frozenset[ItemPath], before: int | None, known: _Told | None) -> None:
        self.is_open = True
        self._paths = known.paths if known else paths
        self._known = known
        self._newest = 0
        self._said = Earlier({}, sorted(self._paths), whole=True, is_delete=False)
        self.wanted = EarlierThan(record, known.event if known else 0, before)

    @property
    def told(self) -> _Told:
        return _Told(self._newest or (self._known.event if self._known else 0), self._paths, self._said)

    def add(self, page: Sequence[tuple[int, Raw]], told: Iterable[Earlier | None], *, most: int) -> None:
        """Take a page of events into account, by what each told."""
        if page and not self._newest:
            self._newest = page[0][0]
        said = list(filter(None, told))
        is_end = len(page) < most or any(event.is_delete for event in said)
        if is_end and self._known and not any(event.is_delete for event in said):
            said.append(self._known.said)
        item, missing = completed(self._said.item, self._said.unchanged, said)
        self._said = self._said._replace(item=item, unchanged=missing)
        self.is_open = bool(missing) and not is_end
        if page:
            self.wanted = self.wanted._replace(before=page[-1][0])


def completed_by(
    fates: Sequence[Fate], earlier: Callable[[Record], Iterable[tuple[int, Raw]]], program: Program, bugs: Bugs
) -> Sequence[Fate]:
    """Return the fates of events that no run has read, in order; ``earlier`` tells a record's events before them, newest first."""
    completion = program.completion
    if completion is None or not (wanted := wanted_paths(fates)):
        return fates
    known = {record: _told_by(earlier(record), paths, completion, bugs) for record, paths in wanted.items()}
    return completed_in_turn(fates, known, program, bugs)


def _told_by(
    events: Iterable[tuple[int, Raw]], paths: frozenset[ItemPath], completion: Completion, bugs: Bugs
) -> _Told:
    numbers: list[int] = []

    def said() -> Iterator[Earlier]:
        for number, raw in events:
            numbers.append(number)
            if found := told(completion, raw, bugs):
                yield found

    item, missing = completed({}, sorted(paths), said())
    return _Told(numbers[0] if numbers else 0, paths, Earlier(item, missing, whole=True, is_delete=False))


def wanted_paths(fates: Iterable[Fate]) -> dict[Record, frozenset[ItemPath]]:
    """Return the paths that events leave out, by record."""
    wanted: dict[Record, frozenset[ItemPath]] = {}
    for fate in fates:
        if isinstance(fate, Routed) and fate.accepted.event.unchanged:
            event = fate.accepted.event
            wanted[event.record] = wanted.get(event.record, frozenset()).union(event.unchanged)
    return wanted


def completed_in_turn(fates: Sequence[Fate], known: Mapping[Record, _Told], program: Program, bugs: Bugs) -> list[Fate]:
    """Return the fates, in order: an event is completed by those before it, and by what is known of its record."""
    completion = program.completion
    assert completion is not None, "some event leaves something out"
    before: dict[Record, list[Raw]] = {}
    found: list[Fate] = []
    for fate in fates:
        record = _record_of(fate)
        if isinstance(fate, Routed) and fate.accepted.event.unchanged:
            raws, earlier = before.get(fate.accepted.event.record, []), known.get(fate.accepted.event.record)
            said = _said(completion, raws, known.get(fate.accepted.event.record), bugs)
            fate = _completed(fate.accepted, said, 0 if raws or earlier is None else earlier.event, program, bugs)  # noqa: PLW2901
        found.append(fate)
        if record is not None and record in known and not isinstance(fate, Ignored):
            before.setdefault(record, []).append(fate.raw if isinstance(fate, Refused) else fate.accepted.raw)
    return found


def _record_of(fate: Fate) -> Record | None:
    if isinstance(fate, Ignored):
        return None
    return fate.record if isinstance(fate, Refused) else fate.accepted.event.record


def _said(completion: Completion, raws: Sequence[Raw], known: _Told | None, bugs: Bugs) -> Iterator[Earlier]:
    yield from filter(None, (told(completion, raw, bugs) for raw in reversed(raws)))
    if known is not None:
        yield known.said


def told(completion: Completion, raw: Raw, bugs: Bugs) -> Earlier | None:
    """Return what an earlier event says of its record; None where it cannot be read."""
    try:
        return completion.told(raw)
    except Exception as error:  # noqa: BLE001  # a bulkhead
        bugs.tell(error, during="an earlier event was read")
        return None


def _completed(accepted: Accepted, said: Iterable[Earlier], previous: int, program: Program, bugs: Bugs) -> Fate:
    assert program.completion is not None, "some event leaves something out"
    try:
        whole = program.completion.complete(accepted, said)
        if not isinstance(whole, Accepted):
            return whole
        routed = program.route(whole)
    except Exception as error:  # noqa: BLE001  # a bulkhead
        return refused_by_bug(accepted, bugs.tell(error, during="an event was completed"))
    return Completed(routed.accepted, routed.matches, routed.failures, accepted.event.unchanged, previous)


def may_be_left_out(fates: Iterable[Fate], presence: Iterable[Presence]) -> dict[tuple[Record, str], Presence]:
    """Return where completed events would send values again that may be there: presence whose last delivery the event before caused."""
    previous = {
        fate.accepted.event.record: fate.previous for fate in fates if isinstance(fate, Completed) and fate.previous
    }
    return {
        (row.record, row.route): row
        for row in presence
        if row.route and row.version[1] == previous.get(row.record) and _is_settled(row)
    }


def without_unchanged_fields(
    fates: Sequence[Fate],
    rows: Mapping[tuple[Record, str], Presence],
    delivered: Container[int],
    program: Program,
) -> list[Fate]:
    """Return the fates; fields that need nothing but unchanged paths are left out where the record's last delivery took effect."""
    return [_slim(fate, rows, delivered, program) if isinstance(fate, Completed) else fate for fate in fates]


def _slim(
    fate: Completed, rows: Mapping[tuple[Record, str], Presence], delivered: Container[int], program: Program
) -> Completed:
    if not fate.previous:
        return fate
    record = fate.accepted.event.record
    matches = tuple(
        _without_fields(match, fate, program)
        if (row := rows.get((record, match.route))) is not None and row.delivery in delivered
        else match
        for match in fate.matches
    )
    return replace(fate, matches=matches)


def _without_fields(match: Match, fate: Completed, program: Program) -> Match:
    partly, event = program.partly.get(match.route), fate.accepted.event
    if partly is None or match.operation not in {"upsert", "update"}:
        return match
    names = tuple(dict.fromkeys((*match.left_out, *partly.left_out(fate.told))))
    if names == match.left_out:
        return match
    try:
        _, payload, unreadable = partly.keyed(event.root, event.change, names)
    except Fault:  # without them it breaks a rule of the object: all is sent
        return match
    return replace(match, payload=payload, unreadable=unreadable, left_out=names)


def _is_settled(row: Presence) -> bool:
    return row.state == "present" and row.held == row.compared and not row.passing

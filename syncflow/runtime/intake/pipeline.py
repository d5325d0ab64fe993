"""From the source to the journal: read → process → transform → commit, in chunks, through bounded queues.

The first three know nothing durable. ``Committer`` is where a chunk becomes a promise: journaled, then acknowledged.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from syncflow.clock import Clock
from syncflow.compiler.program import Program
from syncflow.errors import BugError, SyncflowError, UnavailableError
from syncflow.events import Accepted, Delivery, Ignored, Position, Raw, Refused, Routed
from syncflow.runtime.aside import aside
from syncflow.runtime.bulkheads import CODE, Bugs, asked
from syncflow.runtime.intake.alone import checked, planned, planned_alone, routed, with_keys
from syncflow.runtime.intake.beginning import Beginning
from syncflow.runtime.intake.compared import is_compared, last_deliveries, without_unchanged
from syncflow.runtime.intake.completing import Completer, may_be_left_out, wanted_paths, without_unchanged_fields
from syncflow.runtime.intake.plan import Fate, keys_of, keys_of_deliveries, plan_again, refused_id
from syncflow.runtime.intake.planning import IdCounter, Plan
from syncflow.runtime.intake.postponing import postpone
from syncflow.runtime.journal.base import Commit, IntakeJournal, Known, Mark, Wanted
from syncflow.runtime.observe import Tally, note, warn
from syncflow.sources.base import KeptBy, Report, Source, reports_of

CHUNK = 500
"""Most events that pass from stage to stage at once."""

_HARMLESS = frozenset({"unchanged", "read", "back", "noted"})

QUEUE = 2
"""Most chunks that wait between two stages."""


@dataclass(frozen=True, slots=True)
class RawChunk:
    raws: Sequence[Raw]
    read_at: float


@dataclass(frozen=True, slots=True)
class ProcessedChunk:
    """Checked by ``program``'s door, not yet routed."""

    program: Program
    fates: Sequence[Accepted | Ignored | Refused]
    raw: RawChunk


@dataclass(frozen=True, slots=True)
class TransformedChunk:
    program: Program
    fates: Sequence[Fate]
    raw: RawChunk


def process(program: Program, chunk: RawChunk, bugs: Bugs) -> ProcessedChunk:
    check = program.check
    try:
        fates = [check(raw) for raw in chunk.raws]
    except Exception:  # noqa: BLE001  # a bulkhead
        fates = [checked(program, raw, bugs) for raw in chunk.raws]
    return ProcessedChunk(program, fates, chunk)


def transform(chunk: ProcessedChunk, bugs: Bugs) -> TransformedChunk:
    program, route = chunk.program, chunk.program.route
    try:
        fates: list[Fate] = [route(fate) if isinstance(fate, Accepted) else fate for fate in chunk.fates]
    except Exception:  # noqa: BLE001  # a bulkhead
        fates = [routed(program, fate, bugs) if isinstance(fate, Accepted) else fate for fate in chunk.fates]
    return TransformedChunk(program, fates, chunk.raw)


async def read(
    source: Source,
    raw: asyncio.Queue[RawChunk | None],
    *,
    clock: Clock,
    tally: Tally,
    limit: int | None,
    stop: asyncio.Event,
    bugs: Bugs,
    at_end: Callable[[], None] = lambda: None,
) -> None:
    """Read until the end of the source, the limit or ``stop``; ``None`` marks the end. What is read when ``stop`` comes is kept.

    ``at_end`` is called where the source itself has ended.

    Raises:
        SyncflowError: the source failed.
    """
    left = limit
    while not stop.is_set() and left != 0:
        reading = asyncio.ensure_future(source.read(most=min(CHUNK, left) if left else CHUNK))
        try:
            raws = await _unless(stop, reading)
        except SyncflowError:
            raise
        except Exception as error:
            raise BugError(f"the source failed: {bugs.tell(error, during='it was read')}") from error
        hear(asked(lambda: reports_of(source), otherwise=(), bugs=bugs), tally)
        if not raws:
            if not stop.is_set():
                at_end()
            break
        tally.read += len(raws)
        tally.read_bytes += sum(len(raw.body) for raw in raws)
        left = max(0, left - len(raws)) if left else None
        await raw.put(RawChunk(raws, clock.now()))
    await raw.put(None)


def hear(reports: Iterable[Report], tally: Tally) -> None:
    """Log what a source says of itself, and keep it for the end of the run."""
    for report in reports:
        say = note if report.kind in _HARMLESS else warn
        size = {} if report.bytes is None else {"bytes": report.bytes}
        say(f"source.{report.kind}", words=report.words, **size)
        tally.source_reports.append(report)
        tally.source_report_counts[report.kind] = tally.source_report_counts.get(report.kind, 0) + 1


async def _unless(stop: asyncio.Event, reading: asyncio.Future[Sequence[Raw]]) -> Sequence[Raw]:
    """Await a read, or cancel it when ``stop`` comes first."""
    stopped: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
    waits: list[asyncio.Future[Any]] = [reading, stopped]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        return reading.result() if reading.done() else ()
    finally:
        stopped.cancel()
        reading.cancel()


class Committer:
    """Plan a chunk with presence in hand, journal it. One at a time: the order of chunks is the order of arrival."""

    def __init__(
        self,
        journal: IntakeJournal,
        *,
        numbers: IdCounter,
        positions: Mapping[str, Position],
        tally: Tally,
        bugs: Bugs,
        may_bury: Callable[[str], bool] = lambda _system: True,
        beginning: Beginning | None = None,
        kept_by: Callable[[str], KeptBy] = lambda _partition: "journal",
        refused: Callable[[Sequence[Position]], Awaitable[None]] | None = None,
        heard: Callable[[Plan], None] = lambda _plan: None,
    ) -> None:
        """``may_bury`` counts a dead letter of a system that no delivery made, unless the system stops by it or has stopped.

        ``kept_by``: who remembers how far a partition is read; where a broker does, no position is journaled. ``refused`` hears which
        events become dead letters, before they are journaled; ``heard`` is told of every plan that was journaled."""
        self._journal = journal
        self._bugs = bugs
        self._completer = Completer(journal, bugs)
        self._numbers = numbers
        self._positions = {partition: (position.offset, position.number) for partition, position in positions.items()}
        self._kept_by = kept_by
        self._refused = refused
        self._heard = heard
        self._tally = tally
        self._may_bury = may_bury
        self._beginning = beginning
        self.bad_beginning = ""
        """Why the run must stop: all that was read is bad; empty while it is not."""
        self._ahead: tuple[TransformedChunk, Known] | None = None
        """What was read for the chunk that comes next; nothing else may be committed in between."""

    async def commit(
        self, chunk: TransformedChunk, program: Program, *, following: TransformedChunk | None = None
    ) -> Sequence[Delivery]:
        """Journal a chunk under ``program`` and return its deliveries that are to be sent.

        A chunk that was made under another program (it changed meanwhile) is made anew. What the ``following`` chunk needs to know is
        read right behind this one's commit: else the journal would wait for the loop's next turn with every chunk.
        """
        if chunk.program is not program:
            chunk = transform(process(program, chunk.raw, self._bugs), self._bugs)
        if program.completion is not None:
            chunk = await self._completed(chunk, program)
        try:
            known = await self._known(chunk, program)
        except UnavailableError:
            raise
        except Exception:  # noqa: BLE001  # a bulkhead
            chunk = replace(chunk, fates=with_keys(chunk.fates, program.routes, self._bugs))
            known = await self._known(chunk, program)
        chunk = self._without_known(chunk)
        if is_compared(chunk.raw.raws):
            delivered = await self._journal.delivered(last_deliveries(known.presence))
            chunk = replace(chunk, fates=without_unchanged(chunk.fates, known.presence, delivered))
        if program.completion is not None:
            chunk = await self._without_unchanged_fields(chunk, known, program)
        plan = await aside(
            len(chunk.fates),
            planned,
            chunk.fates,
            known,
            program,
            numbers=self._numbers,
            now=chunk.raw.read_at,
            bugs=self._bugs,
        )
        postpone(plan, self._may_bury)
        positions = [position for position in last_positions(chunk.raw.raws) if self._is_ours(position)]
        unreadable = count_unreadable(chunk.fates)
        ahead = self._wanted_ahead(following, program)
        commit = with_counts(plan.commit(positions, fingerprint=program.fingerprint), unreadable)
        if plan.dead_letters:
            await self._tell_refused(plan)
        try:
            found = await self._journal.commit(commit, ahead=ahead)
        except TypeError:  # a payload that is no JSON, before anything was written: find out whose
            plan = planned_alone(
                chunk.fates, known, program, numbers=self._numbers, now=chunk.raw.read_at, bugs=self._bugs
            )
            postpone(plan, self._may_bury)
            await self._tell_refused(plan)
            commit = with_counts(plan.commit(positions, fingerprint=program.fingerprint), unreadable)
            found = await self._journal.commit(commit, ahead=ahead)
        self._ahead = (following, found) if following and found else None
        self._positions.update(
            (position.partition, (position.offset, position.number)) for position in commit.positions
        )
        self._count(plan)
        if self._beginning is not None:
            self.bad_beginning = self._beginning.stop_after(plan) or self.bad_beginning
        for (route, name), count in commit.unreadable.items():
            counts = self._tally.route(route).unreadable
            counts[name] = counts.get(name, 0) + count
        return _to_send(commit)

    async def _completed(self, chunk: TransformedChunk, program: Program) -> TransformedChunk:
        """Complete the events that leave unchanged paths out."""
        fates = await self._completer.completed(chunk.fates, program)
        return chunk if fates is chunk.fates else replace(chunk, fates=fates)

    async def _without_unchanged_fields(
        self, chunk: TransformedChunk, known: Known, program: Program
    ) -> TransformedChunk:
        rows = may_be_left_out(chunk.fates, known.presence)
        if not rows:
            return chunk
        delivered = await self._journal.delivered([row.delivery for row in rows.values()])
        return replace(chunk, fates=without_unchanged_fields(chunk.fates, rows, delivered, program))

    async def _tell_refused(self, plan: Plan) -> None:
        """A dead letter that is told and then not journaled is only handed out again."""
        dead = {letter.event for letter in plan.dead_letters}
        if self._refused is not None:
            await self._refused([event.raw.position for event in plan.events if event.seq in dead])

    def _wanted_ahead(self, following: TransformedChunk | None, program: Program) -> Wanted | None:
        if following is None or following.program is not program:
            return None
        if program.completion is not None and wanted_paths(following.fates):  # which keys it wants is not known yet
            return None
        try:
            return _wanted(following, program)
        except Exception:  # noqa: BLE001  # a bulkhead: whose it is is found out in its turn
            return None

    async def _known(self, chunk: TransformedChunk, program: Program) -> Known:
        ahead, self._ahead = self._ahead, None
        return ahead[1] if ahead and ahead[0] is chunk else await self._journal.known(_wanted(chunk, program))

    def _without_known(self, chunk: TransformedChunk) -> TransformedChunk:
        """Leave out what a source hands out again although it is journaled already: it died before it was told so."""
        known, nothing = self._positions, (-1, 0)
        if all(raw.position.offset > known.get(raw.position.partition, nothing)[0] for raw in chunk.raw.raws):
            return chunk
        new = [
            (fate, raw)
            for fate, raw in zip(chunk.fates, chunk.raw.raws, strict=True)
            if (raw.position.offset, raw.position.number) > known.get(raw.position.partition, nothing)
        ]
        self._tally.duplicate += len(chunk.fates) - len(new)
        raws = RawChunk([raw for _, raw in new], chunk.raw.read_at)
        return TransformedChunk(chunk.program, [fate for fate, _ in new], raws)

    def _is_ours(self, position: Position) -> bool:
        return self._kept_by(position.partition) == "journal"

    async def take_up(
        self, program: Program, *, now: float, stopped_routes: Callable[[], frozenset[str]] = frozenset
    ) -> Sequence[Delivery]:
        """Carry out what is marked to be sent again; return the deliveries that are to be sent.

        Marks for routes whose systems have stopped (``stopped_routes``, asked anew each time) are left as they are.

        A mark that meets an unforeseen exception is set aside with the reason; the others are carried out.
        """
        to_send: list[Delivery] = []
        self._ahead = None
        while marks := await self._journal.marks(most=CHUNK, without=stopped_routes()):
            try:
                to_send += await self._repeat(marks, program, now=now)
            except UnavailableError:
                raise
            except Exception:  # noqa: BLE001  # a bulkhead
                to_send += await self._repeat_alone(marks, program, now=now)
        return to_send

    async def _repeat_alone(self, marks: Sequence[Mark], program: Program, *, now: float) -> Sequence[Delivery]:
        to_send: list[Delivery] = []
        for mark in marks:
            try:
                to_send += await self._repeat([mark], program, now=now)
            except UnavailableError:
                raise
            except Exception as error:  # noqa: BLE001  # a bulkhead
                reason = self._bugs.tell(error, during="a mark was carried out", event=mark.event)
                await self._journal.set_aside({mark.id: f"{CODE}: {reason}"}, at=now)
                self._tally.set_aside += 1
        return to_send

    async def _repeat(self, marks: Sequence[Mark], program: Program, *, now: float) -> Sequence[Delivery]:
        wishes = [(mark, await self._fate(program, mark) if _needs_fate(mark) else None) for mark in marks]
        routed = [fate for _, fate in wishes if isinstance(fate, Routed)]
        records = [mark.delivery.record for mark in marks if mark.delivery]
        records += [mark.record for mark in marks if mark.how == "delete" and mark.record]
        records += [fate.accepted.event.record for fate in routed]
        repeated = [mark.delivery for mark in marks if mark.delivery]
        keys = keys_of(routed, program.routes) + keys_of_deliveries(repeated, program.routes)
        known = await self._journal.known(Wanted(records, keys, ()))
        plan = plan_again(wishes, known=known, program=program, numbers=self._numbers, now=now)
        postpone(plan, self._may_bury)
        commit = plan.commit((), fingerprint=program.fingerprint, taken=marks)
        await self._journal.commit(commit)
        again = sum(mark.how == "remap" and mark.letter is None for mark in commit.taken)
        self._tally.postponed = max(0, self._tally.postponed - again)
        self._tally.redriven += len(commit.taken)
        self._tally.set_aside += len(commit.aside)
        for reason in sorted(set(commit.aside.values())):
            count = sum(reason == each for each in commit.aside.values())
            warn("marks.set_aside", count=count, reason=reason)
        self._count(plan)
        return _to_send(commit)

    async def _fate(self, program: Program, mark: Mark) -> Fate:
        checked = program.check(mark.raw)
        fate = program.route(checked) if isinstance(checked, Accepted) else checked
        if program.completion is None:
            return fate
        return await self._completer.completed_again(fate, program, before=mark.event)

    def _count(self, plan: Plan) -> None:
        self._heard(plan)
        tally = self._tally
        for state, count in Counter([event.state for event in plan.events]).items():
            setattr(tally, state, getattr(tally, state) + count)
        for name, count in Counter([delivery.route for delivery in plan.deliveries]).items():
            tally.route(name).read += count
        routes = {delivery.id: delivery.route for delivery in plan.deliveries} if plan.superseded else {}
        for superseded in plan.superseded:
            tally.route(routes[superseded.delivery]).superseded += 1
        for name in plan.kept:
            tally.route(name).kept += 1
        for name in plan.passed:
            tally.route(name).ignored += 1
        tally.failed += len(plan.dead_letters)
        tally.postponed += len(plan.postponed)
        tally.open += len(plan.deliveries) - len(plan.superseded)


def count_unreadable(fates: Sequence[Fate]) -> dict[tuple[str, str], int]:
    """Count by route and field the values that a conversion could not read."""
    met = [match for fate in fates if isinstance(fate, Routed) for match in fate.matches if match.unreadable]
    return Counter((match.route, name) for match in met for name in match.unreadable) if met else {}


def with_counts(commit: Commit, unreadable: Mapping[tuple[str, str], int]) -> Commit:
    """Return a commit that writes the counts of unreadable values too."""
    return replace(commit, unreadable=unreadable) if unreadable else commit


def _wanted(chunk: TransformedChunk, program: Program) -> Wanted:
    events = [fate.accepted.event for fate in chunk.fates if isinstance(fate, Routed)]
    event_ids = [event.event_id for event in events if event.event_id is not None]
    if len(events) < len(chunk.fates):
        event_ids += [known_as for fate in chunk.fates if isinstance(fate, Refused) and (known_as := refused_id(fate))]
    return Wanted(
        records=[event.record for event in events],
        keys=keys_of(chunk.fates, program.routes),
        event_ids=event_ids,
    )


def _needs_fate(mark: Mark) -> bool:
    """Whether today's files decide what becomes of a mark."""
    return mark.how == "remap" or (mark.how == "as_sent" and mark.delivery is None)


def last_positions(raws: Sequence[Raw]) -> Sequence[Position]:
    """Return the last position of each partition."""
    return list({raw.position.partition: raw.position for raw in raws}.values())


def _to_send(commit: Commit) -> Sequence[Delivery]:
    overtaken = {entry.delivery for entry in commit.superseded}
    return [delivery for delivery in commit.deliveries if delivery.id not in overtaken]

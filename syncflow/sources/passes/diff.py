"""One pass with differences: new rows as creates, changed ones as updates, and at the end those that are gone as deletes, under guards.

With ``guard.changed`` nothing is handed out before all rows were compared: the events wait in the file of the rows that were seen.
Blocking; driven step by step from a thread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import orjson

from syncflow.config.models.source_passes import PassSettings
from syncflow.events import Position, Raw
from syncflow.sources.passes.comparison import Comparison, Difference
from syncflow.sources.passes.seen import Beginning, Handed, Seen
from syncflow.sources.passes.table import ROWS, Chunk, Reading, Table

_HEAD_BYTES = 4_000
_MOST_ROWS = 20_000
_MOST_SECONDS = 1.0
"""Events are handed out after this many rows or seconds at the latest, however few they are."""


class GuardError(Exception):
    """More is different than a guard allows, or rows may be missing; nothing was handed out that is guarded."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


@dataclass(slots=True)
class PassCounts:
    """What a pass found."""

    rows: int = 0
    new: int = 0
    changed: int = 0
    removed: int = 0
    without_cursor: int = 0


class Pass(Protocol):
    """One pass."""

    @property
    def counts(self) -> PassCounts:
        """What was found up to now."""
        ...

    def events(self) -> Iterator[list[Raw]]:
        """Yield the events of the pass in lists, also empty ones; taken once.

        Raises:
            GuardError: more is different than a guard allows.
            SyncflowError: the rows cannot be read, or the file of seen rows failed.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PassPlan:
    """What every pass of a source has in common."""

    settings: PassSettings
    kind: str
    partition: str
    noun: str
    """What the rows are those of, for messages: query, file."""
    seen: Seen
    monotonic: Callable[[], float]


class Diff:
    """``has_guards``: whether they stop this pass."""

    def __init__(self, plan: PassPlan, table: Table, *, started: float, has_guards: bool = True) -> None:
        self.counts = PassCounts()
        self._plan = plan
        self._table = table
        self._started = started
        self._has_guards = has_guards
        self._numbered = Numbered(plan.partition)
        self._begun = Beginning(0, 0, 0, 0)

    def events(self) -> Iterator[list[Raw]]:
        plan = self._plan
        self._begun = plan.seen.begin()
        self._numbered.offset = self._begun.number
        comparison = Comparison(plan.seen, self._begun, key=plan.settings.key_columns, noun=plan.noun)
        waits = self._has_guards and plan.settings.guard.changed is not None and self._begun.known > 0
        with self._table.reading(started=self._started) as reading:
            for handed in self._found(reading, comparison):
                raws = self._hand_out(handed, keeps_bodies=waits)
                comparison.handed()
                yield [] if waits else raws
            doubt = reading.doubt() if self._has_guards else ""
            time = reading.time
        self.counts.removed = sum(len(gone) for gone in plan.seen.gone(comparison.met))
        self._check_guards(doubt)
        reading.carried_out()
        if waits:
            yield from self._held()
        if plan.settings.removed == "delete":
            yield from self._deletes(comparison.met, time)

    def _found(self, reading: Reading, comparison: Comparison) -> Iterator[list[Handed]]:
        """Yield what is to be handed out, some hundreds of events at a time where there are many."""
        handed: list[Handed] = []
        rows, since = 0, self._plan.monotonic()
        for chunk in reading.chunks():
            rows += len(chunk)
            handed += [self._difference(chunk, found) for found in comparison.differences(chunk)]
            if len(handed) >= ROWS or rows >= _MOST_ROWS or self._plan.monotonic() - since > _MOST_SECONDS:
                yield handed
                self.counts.rows += rows
                handed, rows, since = [], 0, self._plan.monotonic()
        self.counts.rows += rows
        yield handed

    def _difference(self, chunk: Chunk, found: Difference) -> Handed:
        self.counts.new += found.is_new
        self.counts.changed += found.is_changed
        if found.key.startswith("null"):
            body, broken = chunk.keyless(found.place)
        else:
            body, broken = chunk.event(found.place, "create" if found.is_new else "update")
        line = chunk.line(found.place)
        return Handed(self._numbered.next(), found.key, found.hash, body=body, broken=broken, line=line)

    def _held(self) -> Iterator[list[Raw]]:
        last = 0
        while rows := self._plan.seen.held(last, most=ROWS):
            last = rows[-1].number
            yield [self._numbered.raw(row) for row in rows]

    def _deletes(self, met: bytearray, time: str) -> Iterator[list[Raw]]:
        names = self._plan.settings.key_columns
        for gone in self._plan.seen.gone(met):
            handed = []
            for id_, key in gone:
                if not key.startswith("["):  # it was never an event that could be delivered
                    self._plan.seen.forget([id_])
                    continue
                item = dict(zip(names, orjson.loads(key), strict=True))
                event = {"record": self._plan.kind, "operation": "delete", "timestamp": time, "item": item}
                handed.append(Handed(self._numbered.next(), key, None, removed=True, body=orjson.dumps(event)))
            yield self._hand_out(handed)

    def _hand_out(self, handed: Sequence[Handed], *, keeps_bodies: bool = False) -> list[Raw]:
        if handed:
            self._plan.seen.hand(handed if keeps_bodies else [row._replace(body=None) for row in handed])
        return [self._numbered.raw(row) for row in handed]

    def _check_guards(self, doubt: str) -> None:
        counts, guard, begun, noun = self.counts, self._plan.settings.guard, self._begun, self._plan.noun
        if doubt:
            raise GuardError(doubt)
        if not begun.rows or not self._has_guards:
            return
        if self._plan.settings.removed == "delete" and counts.removed > guard.removed * begun.rows:
            raise GuardError(_stopped(counts.removed, begun.rows, "gone", "removed", guard.removed, noun))
        if guard.changed is not None and counts.changed > guard.changed * begun.known:
            raise GuardError(_stopped(counts.changed, begun.known, "changed", "changed", guard.changed, noun))


class Numbered:
    """Gives events their numbers and positions in a pass (``offset``)."""

    def __init__(self, partition: str) -> None:
        self.offset = 0
        self._partition = partition
        self._number = 0

    def next(self) -> int:
        self._number += 1
        return self._number

    def raw(self, row: Handed) -> Raw:
        """Return the event of a row; broken where the row cannot be one."""
        assert row.body is not None, "it is kept where it is handed out later"
        position = Position(self._partition, self.offset, line=row.line, number=row.number)
        if not row.broken:
            return Raw(position, row.body)
        sha256 = hashlib.sha256(row.body).hexdigest()
        return Raw(position, row.body[:_HEAD_BYTES], broken=row.broken, length=len(row.body), sha256=sha256)


def _stopped(count: int, known: int, what: str, name: str, share: float, noun: str) -> str:
    return (
        f"{count:,} of {known:,} known rows are {what}, more than guard.{name} allows ({share:.3g} of all): "
        f"the pass was stopped before it; check the {noun}, or run once with --ignore-guards"
    )

"""The ``generate`` source: realistic changes of made-up records, the same for the same seed.

A ``Stream`` simulates records that are created, change and go; its n-th event depends on the seed and n alone. The
clock of the events starts on a fixed day and ticks with them, so that two runs are equal byte by byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import orjson
from aiolimiter import AsyncLimiter

from syncflow.config.models.routes import GenerateSource
from syncflow.config.models.schema import SchemaNode
from syncflow.config.scalars import Rate
from syncflow.errors import ProjectError
from syncflow.events import Change, Item, Position, Raw
from syncflow.sources.names import pools
from syncflow.sources.texts import Draw
from syncflow.sources.values import Property, identity_of, make_item, properties_of

_FIRST_MOMENT = datetime(2024, 1, 15, 10, 30, 0, 123456)  # noqa: DTZ001  # the events' times have no zone, as many systems' have not
_MOST_LIVE = 10_000
"""Records that later events may refer to; past it the stream forgets one for each that it creates."""

_CHUNK_SECONDS = 0.05
_SLACK = 0.05
"""Part of a chunk that a late wake-up may catch up with; without it every lateness would slow the stream for good."""

_MOST_AT_ONCE = 1000
_CHANGES: tuple[Change, ...] = ("create", "update", "delete")


class Stream:
    """The endless story of one kind of record."""

    def __init__(self, kind: str, schema: SchemaNode, *, settings: GenerateSource) -> None:
        self._kind = kind
        self._properties = properties_of(schema, root=schema, identity=identity_of(schema))
        self._mutable = _mutable(self._properties)
        self._touched = tuple(entry for entry in self._properties if entry.role == "touched")
        self._changes_of = _changes_of(settings.changes_of, self._properties)
        self._create_below, self._update_below = _bounds(settings.shares)
        self._draw = Draw(seed=settings.seed, pools=pools(settings.seed))
        self._live: list[tuple[Item, str, str]] = []
        self._microseconds = 0

    @property
    def living(self) -> int:
        """How many records later events may refer to."""
        return len(self._live)

    def next_event(self) -> dict[str, object]:
        """Make the next event; its item may change with the following call."""
        draw = self._draw
        self._microseconds += 1 + int(draw.random() * 20_000)
        draw.moment = (_FIRST_MOMENT + timedelta(microseconds=self._microseconds)).isoformat(timespec="microseconds")
        chance = draw.random()
        if not self._live or chance < self._create_below:
            change, item = "create", self._create()
        elif chance < self._update_below:
            change, item = "update", self._update()
        else:
            change, item = "delete", self._delete()
        return {"record": self._kind, "operation": change, "timestamp": draw.moment, "item": item}

    def _create(self) -> Item:
        draw = self._draw
        draw.serial += 1
        draw.first, draw.last = draw.pick(draw.pools.first_names), draw.pick(draw.pools.last_names)
        item = make_item(self._properties, draw)
        entry = (item, draw.first, draw.last)
        if len(self._live) < _MOST_LIVE:
            self._live.append(entry)
        else:
            self._live[self._any_live()] = entry
        return item

    def _update(self) -> Item:
        draw = self._draw
        index = self._any_live()
        item, draw.first, draw.last = self._live[index]
        changed = [
            self._choose_other(item, name, choices)
            for name, choices, share in self._changes_of
            if draw.random() < share
        ]
        if not changed and self._mutable:
            self._change_one(item)
        for entry in self._touched:
            item[entry.name] = entry.make(draw)
        self._live[index] = (item, draw.first, draw.last)
        return item

    def _delete(self) -> Item:
        index = self._any_live()
        item = self._live[index][0]
        self._live[index] = self._live[-1]
        self._live.pop()
        return item

    def _any_live(self) -> int:
        return int(self._draw.random() * len(self._live))

    def _choose_other(self, item: Item, name: str, choices: tuple[object, ...]) -> str:
        others = [choice for choice in choices if choice != item.get(name)]
        item[name] = others[int(self._draw.random() * len(others))]  # type: ignore[assignment]  # an enum's values are JSON
        return name

    def _change_one(self, item: Item) -> None:
        draw = self._draw
        entry = self._mutable[int(draw.random() * len(self._mutable))]
        if entry.role in {"name", "last_name"}:
            draw.last = draw.pick(draw.pools.last_names)
        item[entry.name] = entry.make(draw)


def _mutable(properties: Sequence[Property]) -> tuple[Property, ...]:
    personal = tuple(entry for entry in properties if entry.role in {"name", "last_name", "email", "phone"})
    return personal or tuple(
        entry for entry in properties if not entry.choices and entry.role not in {"identity", "made", "touched"}
    )


def _bounds(shares: Mapping[str, float]) -> tuple[float, float]:
    """Return below which draws are creates, and below which of the rest updates."""
    unknown = sorted(set(shares) - set(_CHANGES))
    if unknown:
        raise ProjectError(f"source.generate.shares: expected create, update and delete, found {', '.join(unknown)}")
    whole = sum(shares.values())
    if whole <= 0 or min(shares.values()) < 0:
        raise ProjectError("source.generate.shares: expected shares of which none is negative and one is above 0")
    create = shares.get("create", 0.0) / whole
    return create, create + shares.get("update", 0.0) / whole


def _changes_of(
    shares: Mapping[str, float], properties: Sequence[Property]
) -> tuple[tuple[str, tuple[object, ...], float], ...]:
    choices = {entry.name: entry.choices for entry in properties}
    for name in shares:
        if len(choices.get(name, ())) < 2:
            raise ProjectError(
                f"source.generate.changes_of: {name} has no enum of two or more values in the schema",
                hint="name a property of the item whose schema has an enum",
            )
    return tuple((name, choices[name], share) for name, share in shares.items())


class Generate:
    """Hands out a stream: at a rate in chunks of a fraction of a second, or as fast as it is taken."""

    def __init__(self, settings: GenerateSource, *, schemas: Mapping[str, SchemaNode]) -> None:
        kind = _kind(settings.record, schemas)
        self._stream = Stream(kind, schemas[kind], settings=settings)
        self._partition = f"generate:{settings.seed}"
        self._count = settings.count
        self._made = 0
        self._chunk, self._limiter = _pace(settings.rate)

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        """Go on after the acknowledged number by living through the stream again, unseen."""
        known = acknowledged.get(self._partition)
        target = known.offset if known else 0
        while self._made < target:
            for _ in range(min(_MOST_AT_ONCE, target - self._made)):
                self._stream.next_event()
                self._made += 1
            await asyncio.sleep(0)

    async def read(self, *, most: int) -> Sequence[Raw]:
        """Return the events that are due; waits for the next one."""
        left = most if self._count is None else min(most, self._count - self._made)
        size = min(left, self._chunk)
        if size <= 0:
            return ()
        if self._limiter is not None:
            await self._limiter.acquire(size)
        else:
            await asyncio.sleep(0)
        return [self._next_raw() for _ in range(size)]

    async def acknowledge(self, position: Position) -> None:
        """Nothing to do: the journal keeps the position, and the stream can always be lived again."""

    async def close(self) -> None:
        """Nothing is open."""

    def _next_raw(self) -> Raw:
        self._made += 1
        return Raw(Position(self._partition, self._made), orjson.dumps(self._stream.next_event()))


def _kind(asked: str | None, schemas: Mapping[str, SchemaNode]) -> str:
    known = ", ".join(sorted(schemas)) or "none"
    if asked is None and len(schemas) == 1:
        return next(iter(schemas))
    if asked is None:
        raise ProjectError(f"source.generate.record: say which kind of record to make; known are {known}")
    if asked not in schemas:
        raise ProjectError(f"source.generate.record: no kind of record is named {asked!r}; known are {known}")
    return asked


def _pace(rate: Rate | None) -> tuple[int, AsyncLimiter | None]:
    """Return the size of a chunk and what makes it wait. The limiter's bucket holds one chunk: it starts full."""
    if rate is None:
        return _MOST_AT_ONCE, None
    per_second = rate.count / rate.per_seconds
    chunk = max(1, int(per_second * _CHUNK_SECONDS))
    bucket = chunk * (1 + _SLACK)
    return chunk, AsyncLimiter(bucket, bucket / per_second)

"""Rows of one table as they pass to the process that writes them: what all of them share once, the rest column by column.

Of the sixteen columns of a chunk's events eleven hold one value. A row of its own for each event would be pickled, unpickled and bound
value by value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from typing import Any, overload

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Packed(Sequence[Row]):
    """A sequence of rows; a column has one type, so that values that are equal are the same."""

    length: int
    width: int
    shared: Mapping[int, Any]
    """column → the value that every row has in it."""
    own: tuple[tuple[Any, ...], ...]
    """The other columns, in order."""

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Packed:
        """Pack rows of one width."""
        if isinstance(rows, Packed):
            return rows
        return cls.of_columns(len(rows), list(zip(*rows, strict=True)))

    @classmethod
    def of_columns(cls, length: int, columns: Sequence[Sequence[Any]]) -> Packed:
        """Pack columns of one length."""
        shared = {place: values[0] for place, values in enumerate(columns) if _is_one(values)}
        own = tuple(tuple(values) for place, values in enumerate(columns) if place not in shared)
        return cls(length, len(columns), shared, own)

    def values(self, start: int, stop: int) -> list[Any]:
        """Return what is shared, then the own values of these rows, one row after the other."""
        return [*self.shared.values(), *chain.from_iterable(zip(*(each[start:stop] for each in self.own), strict=True))]

    def column(self, place: int) -> Sequence[Any]:
        """Return a column's values."""
        if place in self.shared:
            return [self.shared[place]] * self.length
        return list(self.own[place - sum(other < place for other in self.shared)])

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Row]:
        own = iter(self.own)
        columns = [repeat(self.shared[place]) if place in self.shared else next(own) for place in range(self.width)]
        return islice(zip(*columns, strict=False), self.length)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | Sequence[Row]:
        return list(self)[place]


def _is_one(values: Sequence[Any]) -> bool:
    """Whether there are several values, and all are the same; most columns whose values differ end with another than they begin with."""
    return len(values) > 1 and values[0] == values[-1] and values.count(values[0]) == len(values)

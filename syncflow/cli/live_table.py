"""The table of a run that renews itself, as lines of a terminal's width: a line for each system, and no number is ever cut off.

Where the terminal is narrow, columns that say least are left out one after the other, and long names lose their middle. Troubles stand
below, in words.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from syncflow.cli.standings import Standing, Standings
from syncflow.visible import visible

_LEAST_IMPORTANT_FIRST = ("IN FLIGHT", "LIMIT", "RETRYING", "REQ/S", "WAITING")
_NAME = 16
"""Columns for the name of a system before anything is left out for it."""
_GAP = "  "
_TROUBLE_LINES = 2


class _Column(NamedTuple):
    header: str
    cells: tuple[str, ...]

    @property
    def width(self) -> int:
        return max(map(len, (self.header, *self.cells)))


def live_lines(shown: Standings, *, width: int) -> Iterator[str]:
    """Yield the lines of the table, none of which is wider than the terminal."""
    yield from _wrapped(shown.summary.split(_GAP), width)
    yield ""
    names = [visible(each.name) for each in shown.systems]
    columns = _fitting(_columns(shown.systems), width - _least_for(names))
    room = width - sum(column.width + len(_GAP) for column in columns)
    name_width = min(max(room, len("SYSTEM")), max(map(len, ("SYSTEM", *names))))
    yield _row("SYSTEM", [column.header for column in columns], columns, name_width)
    for number, name in enumerate(names):
        yield _row(name, [column.cells[number] for column in columns], columns, name_width)
    troubles = [
        f"{name}: {visible(each.trouble)}" for name, each in zip(names, shown.systems, strict=True) if each.trouble
    ]
    if troubles:
        yield ""
    for trouble in troubles:
        yield from _cut(trouble, width)


def _columns(systems: Sequence[Standing]) -> list[_Column]:
    counts = {
        "REQ/S": [each.speed for each in systems],
        "LIMIT": [_limit(each.limits) for each in systems],
        "IN FLIGHT": [f"{each.in_flight:,}" for each in systems],
        "WAITING": [f"{each.waiting:,}" for each in systems],
        "FOR OTHERS": [f"{each.referring:,}" for each in systems],
        "RETRYING": [f"{each.retrying:,}" for each in systems],
        "JOBS": [f"{each.jobs:,}" for each in systems],
        "DELIVERED": [f"{each.delivered:,}" for each in systems],
        "DEAD": [f"{each.dead:,}" for each in systems],
    }
    if not any(each.jobs for each in systems):
        del counts["JOBS"]
    if not any(each.referring for each in systems):
        del counts["FOR OTHERS"]
    return [_Column(header, tuple(cells)) for header, cells in counts.items()]


def _limit(limits: Sequence[str]) -> str:
    if not limits:
        return "none"
    return limits[0] + (f" +{len(limits) - 1}" if len(limits) > 1 else "")


def _least_for(names: Sequence[str]) -> int:
    """Return the columns that names get before anything is left out for them."""
    return min(_NAME, max(map(len, ("SYSTEM", *names))))


def _fitting(columns: list[_Column], width: int) -> list[_Column]:
    """Leave out columns until the others fit."""
    for header in _LEAST_IMPORTANT_FIRST:
        if sum(column.width + len(_GAP) for column in columns) <= width:
            break
        columns = [column for column in columns if column.header != header]
    return columns


def _row(name: str, cells: Sequence[str], columns: Sequence[_Column], name_width: int) -> str:
    numbers = [cell.rjust(column.width) for cell, column in zip(cells, columns, strict=True)]
    return _GAP.join([_middle_cut(name, name_width).ljust(name_width), *numbers]).rstrip()


def _middle_cut(text: str, width: int) -> str:
    if len(text) <= width:
        return text
    end = (width - 1) // 2
    return f"{text[: width - 1 - end]}…{text[len(text) - end :]}"


def _wrapped(parts: Sequence[str], width: int) -> Iterator[str]:
    line = ""
    for part in parts:
        longer = f"{line}{_GAP}{part}" if line else part
        if line and len(longer) > width:
            yield line
            longer = part
        line = longer
    yield line


def _cut(text: str, width: int) -> Iterator[str]:
    lines = textwrap.wrap(text, width, subsequent_indent=_GAP)
    yield from lines[: _TROUBLE_LINES - 1]
    if len(lines) > _TROUBLE_LINES:
        yield lines[_TROUBLE_LINES - 1][: width - 2] + " …"
    else:
        yield from lines[_TROUBLE_LINES - 1 :]

"""Where the reading of a partition begins. Pure.

The journal's position is the truth. A partition that it does not know goes on where the group stands, else begins where ``start`` says. A
partition has *lives*: a topic that was deleted and made again, or whose log lost its end, counts its offsets anew, and its new
messages must not be taken for those that were read. Each life is a partition of its own in the journal: ``kafka:contacts/0``,
``kafka:contacts/0#2``. A life is known again by the topic's id, which is kept as the position's evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from syncflow.events import Position
from syncflow.sources.base import Report


@dataclass(frozen=True, slots=True)
class Log:
    """A partition as the brokers have it: the id of its topic (empty: unknown), and the offsets from the first one to behind the last."""

    topic: str
    number: int
    topic_id: str
    low: int
    high: int

    @property
    def words(self) -> str:
        return f"{self.topic}/{self.number}"


@dataclass(frozen=True, slots=True)
class Beginning:
    partition: str
    """The journal's name of the partition's life."""
    offset: int
    report: Report | None = None


def begin(
    log: Log, *, known: Mapping[str, Position], committed: int | None, first: int, was_ours: bool = False
) -> Beginning:
    """Return where to begin. ``committed``: where the group stands; ``first``: what ``start`` means here.

    ``was_ours``: another member of the group has had the partition meanwhile, so that what it has read is not read again.
    """
    life, position = _last_life(log, known)
    if position is None:
        return _unknown(log, committed, first)
    name = _name(log, life)
    if reason := _made_again(log, position):
        words = f"{log.words} {reason}: all of it is read as new"
        return Beginning(_name(log, life + 1), log.low, Report("again", words))
    wanted = position.offset + 1
    if wanted < log.low:
        lost = log.low - wanted
        words = (
            f"{lost:,} {'message' if lost == 1 else 'messages'} of {log.words} (offsets {wanted} to {log.low - 1}) were removed by the"
            f" brokers before they were read; it goes on at {log.low}"
        )
        return Beginning(name, log.low, Report("missed", words))
    if committed is None or committed <= wanted:
        return Beginning(name, wanted)
    if was_ours:
        return Beginning(name, min(committed, log.high))
    words = (
        f"the group stands at {committed} of {log.words}, the journal at {wanted}: it goes on where the journal stands"
    )
    return Beginning(name, wanted, Report("noted", words))


def _unknown(log: Log, committed: int | None, first: int) -> Beginning:
    name = _name(log, 1)
    if committed is None:
        return Beginning(name, min(max(first, log.low), log.high))
    if committed > log.high:
        words = f"the group stands at {committed} of {log.words}, which ends at {log.high}: it is read from its start"
        return Beginning(name, log.low, Report("again", words))
    if committed < log.low:
        words = (
            f"{log.low - committed:,} messages of {log.words} behind where the group stands (offsets {committed} to {log.low - 1}) were"
            f" removed by the brokers before they were read; it goes on at {log.low}"
        )
        return Beginning(name, log.low, Report("missed", words))
    return Beginning(name, committed)


def _made_again(log: Log, position: Position) -> str:
    if position.evidence and log.topic_id and position.evidence != log.topic_id:
        return "was deleted and made again"
    if position.offset >= log.high:
        return f"ends at {log.high}, before what was read of it (offset {position.offset})"
    return ""


def _name(log: Log, life: int) -> str:
    return f"kafka:{log.topic}/{log.number}" + (f"#{life}" if life > 1 else "")


def _last_life(log: Log, known: Mapping[str, Position]) -> tuple[int, Position | None]:
    """Return the number and the position of the last life that the journal knows."""
    first = _name(log, 1)
    lives = {1: known[first]} if first in known else {}
    for name, position in known.items():
        head, _, number = name.rpartition("#")
        if head == first and number.isdecimal():
            lives[int(number)] = position
    last = max(lives, default=1)
    return last, lives.get(last)


def is_begun(topic: str, known: Mapping[str, Position], committed: Mapping[int, int | None]) -> bool:
    """Whether reading a topic began before: then an unknown partition is a new one, and read from its first message."""
    is_journaled = any(name.startswith(f"kafka:{topic}/") for name in known)
    return is_journaled or any(offset is not None for offset in committed.values())

"""How far the stream is handed out and acknowledged, and so how far the slot may move. Pure.

A transaction may be confirmed when its last event is acknowledged and nothing before it is open. One without events of ours passes with
those before it: else a quiet table in a busy database would keep the log for ever.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

Place = tuple[int, int]
"""The LSN of a commit, and the number of a change in its transaction."""

START: Place = (-1, -1)


@dataclass(slots=True)
class Transactions:
    acknowledged: Place = START
    confirmed: int = 0
    """Everything before this LSN is acknowledged."""
    _open: deque[tuple[Place, int]] = field(default_factory=deque)
    """Of each transaction its last place that is handed out, and its end."""

    @property
    def has_open(self) -> bool:
        return bool(self._open)

    def committed(self, last: Place, end: int) -> None:
        """A transaction has ended; ``last`` is the newest place that was handed out, of it or of one before."""
        self._open.append((last, end))
        self._move()

    def acknowledge(self, place: Place) -> None:
        self.acknowledged = max(self.acknowledged, place)
        self._move()

    def _move(self) -> None:
        while self._open and self._open[0][0] <= self.acknowledged:
            self.confirmed = max(self.confirmed, self._open.popleft()[1])


@dataclass(slots=True)
class Handed:
    """What a run has handed out already, kept over lost connections: it is under way, and is not read again."""

    keys: dict[str, tuple[int, tuple[str, ...], Sequence[str], str]] = field(default_factory=dict)
    """By table, of the last row of the snapshot: its offset, the columns of the key, their values, and the time of the snapshot."""
    finished: set[str] = field(default_factory=set)
    """Tables whose snapshot has been handed out."""
    until: int = 0
    """The LSN of the newest snapshot that began later than its slot: rows may be missing in it whose delete comes before that."""
    compared_until: int = 0
    """The same of a snapshot behind which records without a row were deleted: it has made up for each TRUNCATE before that."""

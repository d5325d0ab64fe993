"""The requests of one system, noted durably *before* they are sent, so that a kill at any instant exceeds no window.

A note says: this many requests of each group may be sent or under way from now on (*reserved*), and these were answered (*answered*). A
request may start only while there is credit out of a note that is durable. After a clean end nothing is reserved, and what was used is
known to the request. After a kill, what was reserved counts as used at the moment of the next start.

Notes are made in blocks: one request at first, doubled while notes follow each other quickly, at most a twentieth of the smallest
window. A system without windows notes nothing before its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from syncflow.clock import Clock
from syncflow.compiler.wire.system import Window
from syncflow.runtime.delivery.history import History
from syncflow.runtime.journal.usage import UsageNote

CREDIT_SECONDS = 30.0
"""Credit is good for this long: what a killed run had reserved was sent soon after its last note."""

_SHARE_OF_WINDOW = 20
_MOST_BLOCK = 500
_QUICK_SECONDS = 0.1
_SLOW_SECONDS = 1.0

Note = Callable[[UsageNote], Awaitable[None]]


@dataclass(slots=True)
class _Group:
    credit: int = 0
    under_way: int = 0
    block: int = 1
    noted_at: float = float("-inf")


@dataclass(slots=True)
class Ledger:
    """``note`` makes a note durable; ``timeout_seconds`` is the longest that a request may be under way."""

    system: str
    windows: Sequence[Window]
    clock: Clock
    note: Note | None = None
    timeout_seconds: float = 30.0
    history: History = field(default_factory=History)
    pace: float | None = None
    _groups: dict[str, _Group] = field(default_factory=dict)
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def notes(self) -> bool:
        """Whether requests are noted before they start."""
        return self.note is not None and bool(self.windows)

    def may_start(self, group: str) -> bool:
        """Whether there is credit for a request that starts now."""
        if not self.notes:
            return True
        known = self._groups.get(group)
        return known is not None and known.credit > 0 and self._is_good(known)

    def is_low(self, group: str) -> bool:
        """Whether the next note should be made already, so that no request has to wait for it."""
        known = self._groups.get(group)
        return self.notes and known is not None and known.block > 1 and known.credit * 2 <= known.block

    def start(self, group: str) -> None:
        known = self._groups.setdefault(group, _Group())
        known.credit = max(0, known.credit - 1)
        known.under_way += 1

    def answer(self, group: str, now: float) -> None:
        self._groups[group].under_way -= 1
        self.history.answered(group, now)

    async def reserve(self, group: str) -> None:
        """Return when there is credit for the group; raises what the journal raises."""
        async with self._writing:
            known = self._groups.setdefault(group, _Group())
            if self.may_start(group) and not self.is_low(group):
                return
            now = self.clock.monotonic()
            known.block = self._block(group, known, now)
            credit = (known.credit if self._is_good(known) else 0) + known.block
            await self._write({group: credit}, now)
            # What started while the note was written came out of the credit before.
            known.credit = min(known.credit, credit - known.block) + known.block
            known.noted_at = now

    async def close(self) -> None:
        """Note all that was answered, and that nothing more will be sent."""
        if self.note is None:
            return
        async with self._writing:
            for known in self._groups.values():
                known.credit = 0
            await self._write({}, self.clock.monotonic(), ended=True)

    async def open(self) -> None:
        """Note that requests may be sent from now on, and the pace; requests that are noted reserve on their own."""
        if self.note is not None:
            async with self._writing:
                await self._write({}, self.clock.monotonic())

    async def _write(self, credits_: Mapping[str, int], now: float, *, ended: bool = False) -> None:
        assert self.note is not None, "only a ledger that notes is written"
        reserved = {
            name: known.under_way + credits_.get(name, known.credit if self._is_good(known) else 0)
            for name, known in self._groups.items()
        }
        answered = self.history.take_new(now)
        await self.note(
            UsageNote(
                system=self.system,
                monotonic=now,
                lasting_seconds=CREDIT_SECONDS + self.timeout_seconds,
                noted=bool(self.windows),
                reserved={name: count for name, count in reserved.items() if count},
                answered=answered,
                ended=ended,
                pace=self.pace,
            )
        )

    def _is_good(self, known: _Group) -> bool:
        return self.clock.monotonic() - known.noted_at < CREDIT_SECONDS

    def _block(self, group: str, known: _Group, now: float) -> int:
        smallest = min((w.count for w in self.windows if w.only in {"", group}), default=_MOST_BLOCK)
        most = min(_MOST_BLOCK, max(1, smallest // _SHARE_OF_WINDOW))
        since = now - known.noted_at
        block = (
            known.block * 2 if since < _QUICK_SECONDS else known.block // 2 if since > _SLOW_SECONDS else known.block
        )
        return min(most, max(1, block))

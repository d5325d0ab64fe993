"""A source that is opened again when its connection is lost, behind what was acknowledged: nothing is lost, and it is told once.

    open ──▶ reading ──── UnavailableError ───▶ lost ── wait, open ──▶ reading
                                                  ▲        │ UnavailableError: a longer wait
                                                  └────────┘

The loss may show in ``read``, or in ``acknowledge`` while ``read`` waits for what does not come any more: ``read`` alone closes and opens.

What was handed out and not acknowledged comes again; it is known by its position, or by its id where a broker remembers. An error of the
first ``open`` is the user's to mend and ends the run, as any ``ProjectError`` does later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from random import Random, SystemRandom

from syncflow.clock import Clock
from syncflow.errors import UnavailableError
from syncflow.events import Position, Raw
from syncflow.sources.base import (
    Checking,
    Finding,
    KeptBy,
    Lag,
    Report,
    Source,
    kept_by,
    lag_of,
    reports_of,
    requests_of,
    tell_refused,
)

FIRST_SECONDS = 0.5
MOST_SECONDS = 30.0


class Reopening:
    """``make`` gives a source that is not opened yet; each is used for one opening."""

    def __init__(self, make: Callable[[], Source], *, clock: Clock, random: Random | None = None) -> None:
        self._make = make
        self._source = make()
        self._clock = clock
        self._random = random or SystemRandom()
        self._acknowledged: dict[str, Position] = {}
        self._failures = 0
        self._reports: list[Report] = []
        self._kept: Sequence[Raw] = ()
        """What a read gave that was cancelled when it had ended."""
        self._unacknowledged: asyncio.Future[UnavailableError] | None = None
        """What an acknowledgement met, of the source that is open now."""

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        self._acknowledged = dict(acknowledged)
        await self._open()

    async def _open(self) -> None:
        self._kept = ()
        self._unacknowledged = asyncio.get_running_loop().create_future()
        await self._source.open(dict(self._acknowledged))

    async def read(self, *, most: int) -> Sequence[Raw]:
        while True:
            try:
                if self._failures:
                    await self._open_again()
                return await self._read(most)
            except UnavailableError as error:
                await self._lost(error)

    async def _read(self, most: int) -> Sequence[Raw]:
        """Read, unless an acknowledgement has met a lost connection or does so meanwhile."""
        assert self._unacknowledged is not None, "it is open"
        if self._kept:
            kept, self._kept = self._kept[:most], self._kept[most:]
            return kept
        reading = asyncio.ensure_future(self._source.read(most=most))
        try:
            await asyncio.wait((reading, self._unacknowledged), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await self._given_up(reading)
            if not reading.cancelled() and reading.exception() is None:
                self._kept = list(reading.result())
            raise
        if reading.done():
            return reading.result()
        await self._given_up(reading)
        raise self._unacknowledged.result()

    async def _given_up(self, reading: asyncio.Future[Sequence[Raw]]) -> None:
        """Cancel a read; it may have ended just before."""
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

    async def _open_again(self) -> None:
        ceiling = min(MOST_SECONDS, FIRST_SECONDS * 2.0 ** (self._failures - 1))
        await self._clock.sleep(self._random.uniform(ceiling / 2, ceiling))
        self._source = self._make()
        await self._open()
        self._failures = 0
        self._reports.append(Report("back", "the source is connected again"))

    async def _lost(self, error: UnavailableError) -> None:
        if not self._failures:
            self._reports.append(Report("lost", f"{error.message}; it is tried again until it answers"))
        self._failures += 1
        self._reports += reports_of(self._source)
        await self._source.close()

    async def acknowledge(self, position: Position) -> None:
        """Tell the source; one that has just lost its connection hears of it when it is opened again."""
        self._acknowledged[position.partition] = position
        if not self._failures:
            try:
                await self._source.acknowledge(position)
            except UnavailableError as error:
                if self._unacknowledged is not None and not self._unacknowledged.done():
                    self._unacknowledged.set_result(error)

    async def check(self) -> list[Finding]:
        return await self._source.check() if isinstance(self._source, Checking) else []

    async def refused(self, positions: Sequence[Position]) -> None:
        await tell_refused(self._source, positions)

    def kept_by(self, partition: str) -> KeptBy:
        return kept_by(self._source, partition)

    def reports(self) -> Sequence[Report]:
        told, self._reports = [*self._reports, *reports_of(self._source)], []
        return told

    def lag(self) -> Mapping[str, Lag]:
        return lag_of(self._source)

    @property
    def requests(self) -> Mapping[str, int]:
        return requests_of(self._source)

    async def close(self) -> None:
        await self._source.close()

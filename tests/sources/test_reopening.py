"""A source whose connection is lost is opened again behind what was acknowledged, and that is told once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from random import Random

import pytest

from syncflow.errors import UnavailableError
from syncflow.events import Position, Raw
from syncflow.sources.reopening import Reopening
from syncflow.testing import VirtualClock, run_virtually
from tests.patience import PATIENCE


class Flaky:
    """Hands out ten events of one partition; its connection is lost after so many, and some openings fail."""

    def __init__(self, *, lost_after: int, refusals: int = 0) -> None:
        self.lost_after, self.refusals = lost_after, refusals
        self.opened: list[int] = []
        self._next = self._left = 0

    def __call__(self) -> Flaky:
        return self

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        if self.opened and self.refusals:
            self.refusals -= 1
            raise UnavailableError("refused")
        self._next = acknowledged["p"].offset if "p" in acknowledged else 0
        self._left = self.lost_after
        self.opened.append(self._next)

    async def read(self, *, most: int) -> Sequence[Raw]:
        if self._left == 0:
            raise UnavailableError("the connection was lost")
        count = min(most, self._left, 10 - self._next)
        self._left -= count
        self._next += count
        return [Raw(Position("p", self._next - count + i + 1), b"{}") for i in range(count)]

    async def acknowledge(self, position: Position) -> None: ...

    async def close(self) -> None: ...


@pytest.mark.parametrize("acknowledges", [True, False])
def test_it_goes_on_behind_what_was_acknowledged(acknowledges: bool) -> None:
    flaky = Flaky(lost_after=4, refusals=2)

    async def main() -> tuple[list[int], list[str], float]:
        clock = VirtualClock()
        source = Reopening(flaky, clock=clock, random=Random(1))
        await source.open({})
        seen: list[int] = []
        told: list[str] = []
        for _ in range(3):
            raws = await source.read(most=3)
            seen += [raw.position.offset for raw in raws]
            if raws and acknowledges:
                await source.acknowledge(raws[-1].position)
            told += [report.kind for report in source.reports()]
        return seen, told, asyncio.get_running_loop().time()

    seen, told, seconds = run_virtually(main())
    assert seen == ([1, 2, 3, 4, 5, 6, 7] if acknowledges else [1, 2, 3, 4, 1, 2, 3])
    assert told == ["lost", "back"], "once, however often opening it again fails"
    assert 0 < seconds < 5


def test_an_opening_that_fails_at_the_start_is_an_error_of_the_run() -> None:
    flaky = Flaky(lost_after=4, refusals=1)
    flaky.opened.append(0)
    with pytest.raises(UnavailableError, match="refused"):
        run_virtually(Reopening(flaky, clock=VirtualClock()).open({}))


class Marking:
    """Waits for events that do not come; marking what was read fails once, and closing ends what waits, as a client's connection does."""

    def __init__(self) -> None:
        self.opened = 0
        self.is_broken = True
        self._waiting: asyncio.Future[Sequence[Raw]] | None = None

    def __call__(self) -> Marking:
        return self

    async def open(self, acknowledged: Mapping[str, Position]) -> None:
        self.opened += 1

    async def read(self, *, most: int) -> Sequence[Raw]:
        if self.opened > 1:
            return [Raw(Position("p", 2), b"{}")]
        self._waiting = asyncio.get_running_loop().create_future()
        return await self._waiting

    async def acknowledge(self, position: Position) -> None:
        if self.is_broken:
            self.is_broken = False
            raise UnavailableError("the connection was lost")

    async def close(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()


def test_a_connection_that_is_lost_while_it_is_told_what_is_durable_ends_no_read_that_waits() -> None:
    marking = Marking()

    async def main() -> Sequence[Raw]:
        source = Reopening(marking, clock=VirtualClock(), random=Random(1))
        await source.open({})
        reading = asyncio.ensure_future(source.read(most=5))
        await asyncio.sleep(1)
        await source.acknowledge(Position("p", 1))
        async with asyncio.timeout(PATIENCE):
            found = await reading
        assert [report.kind for report in source.reports()] == ["lost", "back"]
        return found

    assert [raw.position.offset for raw in run_virtually(main())] == [2]
    assert marking.opened == 2


@pytest.mark.parametrize("turns", range(6))
def test_a_read_that_ends_as_it_is_cancelled_loses_nothing(turns: int) -> None:
    async def main() -> list[int]:
        source = Reopening(Flaky(lost_after=10), clock=VirtualClock(), random=Random(1))
        await source.open({})
        reading = asyncio.ensure_future(source.read(most=4))
        for _ in range(turns):
            await asyncio.sleep(0)
        reading.cancel()
        found: list[Raw] = []
        ended = (await asyncio.gather(reading, return_exceptions=True))[0]
        if not isinstance(ended, BaseException):
            found += ended
        while len(found) < 10:
            found += await source.read(most=3)
        return [raw.position.offset for raw in found]

    assert run_virtually(main()) == list(range(1, 11))

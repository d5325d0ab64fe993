"""Several sources read as one: each keeps its order and its place, one that fails costs the others nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from syncflow.errors import UnavailableError
from syncflow.events import Position, Raw
from syncflow.sources.several import Several
from syncflow.testing import ListSource, run_virtually


class Slow(ListSource):
    """Gives one event every ten seconds."""

    async def read(self, *, most: int) -> Sequence[Raw]:
        await asyncio.sleep(10)
        return await super().read(most=1)


class Broken(ListSource):
    """Fails when it is read the second time."""

    async def read(self, *, most: int) -> Sequence[Raw]:
        if self.acknowledged or self._next:
            raise UnavailableError("the table is gone")
        return await super().read(most=1)


def named(count: int) -> list[bytes]:
    return [b'{"n":%d}' % number for number in range(count)]


async def read_out(source: Several, *, most: int = 3) -> list[tuple[str, int]]:
    seen = []
    while raws := await source.read(most=most):
        seen += [(raw.position.partition, raw.position.offset) for raw in raws]
    return seen


def test_all_is_read_in_order_per_source_and_no_source_waits_for_another() -> None:
    async def main() -> list[tuple[str, int]]:
        source = Several(
            {"a": ListSource(named(7)), "slow": Slow(named(2)), "b": ListSource(named(4), partition="x/y")}
        )
        await source.open({})
        return await read_out(source)

    seen = run_virtually(main())
    assert [offset for partition, offset in seen if partition == "a/list"] == list(range(1, 8))
    assert [offset for partition, offset in seen if partition == "b/x/y"] == list(range(1, 5))
    assert [partition for partition, _ in seen[-2:]] == ["slow/list", "slow/list"]
    assert seen[3][0] != seen[0][0], "they take turns"


def test_each_goes_on_at_its_own_place_and_hears_of_its_own_acknowledgements() -> None:
    a, b = ListSource(named(5)), ListSource(named(5))

    async def main() -> list[tuple[str, int]]:
        source = Several({"a": a, "ab": b})
        await source.open({"a/list": Position("a/list", 3), "list": Position("list", 5)})
        await source.acknowledge(Position("ab/list", 2))
        return await read_out(source)

    assert sorted(run_virtually(main())) == [("a/list", 4), ("a/list", 5), *(("ab/list", n) for n in range(1, 6))]
    assert (a.acknowledged, b.acknowledged) == (3, 2)


def test_one_that_fails_is_told_at_once_and_raised_when_the_others_have_ended() -> None:
    source = Several({"bad": Broken(named(3)), "good": Slow(named(3))})
    told: list[str] = []

    async def main() -> None:
        await source.open({})
        seen = []
        for _ in range(4):
            seen += [raw.position.partition for raw in await source.read(most=5)]
            told.extend(f"{report.kind} {report.words}" for report in source.reports())
        assert seen == ["bad/list", "good/list", "good/list", "good/list"]
        with pytest.raises(UnavailableError, match="the table is gone"):
            await source.read(most=5)
        await source.close()
        await source.acknowledge(Position("bad/list", 1))

    run_virtually(main())
    assert told == ["stopped bad: the table is gone"]


def test_a_cancelled_read_loses_nothing() -> None:
    async def main() -> list[tuple[str, int]]:
        source = Several({"slow": Slow(named(3)), "other": Slow(named(2))})
        await source.open({})
        seen = []
        for _ in range(4):
            try:
                async with asyncio.timeout(7):  # on purpose
                    seen += [(raw.position.partition, raw.position.offset) for raw in await source.read(most=9)]
            except TimeoutError:
                continue
        return seen + await read_out(source)

    assert sorted(run_virtually(main())) == [
        ("other/list", 1),
        ("other/list", 2),
        *(("slow/list", n) for n in (1, 2, 3)),
    ]


def test_positions_of_sources_that_are_gone_are_left_alone() -> None:
    async def main() -> list[tuple[str, int]]:
        source = Several({"a": ListSource(named(1))})
        opened: Mapping[str, Position] = {"gone/list": Position("gone/list", 9), "list": Position("list", 9)}
        await source.open(opened)
        return await read_out(source)

    assert run_virtually(main()) == [("a/list", 1)]

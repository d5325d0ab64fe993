"""Work goes on while no one waits for it, and what it gave is given once, whenever a wait is cancelled."""

from __future__ import annotations

import asyncio

import pytest

from syncflow.sources.kept_work import KeptWork


@pytest.mark.parametrize("turns", range(8))
def test_a_result_is_given_once_whenever_a_wait_for_it_is_cancelled(turns: int) -> None:
    async def main() -> list[int]:
        begun: list[int] = []

        async def work() -> int:
            begun.append(len(begun))
            for _ in range(3):
                await asyncio.sleep(0)
            return begun[-1]

        kept, given = KeptWork[int](), list[int]()
        waiting = asyncio.ensure_future(kept.result(work))
        for _ in range(turns):
            await asyncio.sleep(0)
        if not waiting.cancel():
            given.append(waiting.result())
        await asyncio.gather(waiting, return_exceptions=True)
        while len(given) < 3:
            given.append(await kept.result(work))
        return given

    assert asyncio.run(main()) == [0, 1, 2]


def test_an_error_is_raised_once_and_the_next_wait_begins_anew() -> None:
    async def main() -> int:
        async def fails() -> int:
            raise LookupError

        async def works() -> int:
            return 5

        kept = KeptWork[int]()
        with pytest.raises(LookupError):
            await kept.result(fails)
        return await kept.result(works)

    assert asyncio.run(main()) == 5


def test_work_that_is_given_up_is_cancelled() -> None:
    async def main() -> bool:
        ended = asyncio.Event()

        async def work() -> int:
            try:
                await asyncio.sleep(3600)
            finally:
                ended.set()
            return 0

        kept = KeptWork[int]()
        waiting = asyncio.ensure_future(kept.result(work))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await kept.end()
        await kept.end()
        return ended.is_set()

    assert asyncio.run(main())

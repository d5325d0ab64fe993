"""Work on a very large chunk leaves the loop its turns; on an ordinary one it costs no hand-over."""

from __future__ import annotations

import asyncio
import threading

from syncflow.runtime.aside import LARGE, aside


def test_the_loop_goes_on_while_a_large_chunk_is_worked_on() -> None:
    async def main() -> bool:
        gone_on = threading.Event()
        asyncio.get_running_loop().call_soon(gone_on.set)
        return await aside(LARGE + 1, gone_on.wait, 10)

    assert asyncio.run(main())


def test_an_ordinary_chunk_stays_on_the_loop() -> None:
    async def main() -> int:
        return await aside(LARGE, threading.get_ident)

    assert asyncio.run(main()) == threading.get_ident()

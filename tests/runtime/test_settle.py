"""Writing outcomes in groups: whoever waits hears how it ended."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from syncflow.errors import UnavailableError
from syncflow.runtime.delivery.settle import Settler
from syncflow.runtime.journal.base import Journal


class FullDisk:
    """A journal that fails at its first write."""

    async def settle(self, settlements: Any, **rest: Any) -> None:
        raise UnavailableError("no room")


class NeverDone:
    """A journal whose writes never end."""

    async def settle(self, settlements: Any, **rest: Any) -> None:
        await asyncio.Event().wait()


def settler(journal: object) -> Settler:
    return Settler(cast(Journal, journal), usage=dict)


def test_a_journal_that_failed_fails_those_who_wait_and_those_who_come_later() -> None:
    asyncio.run(_a_journal_that_failed())


async def _a_journal_that_failed() -> None:
    broken = settler(FullDisk())
    running = asyncio.create_task(broken.run())
    with pytest.raises(UnavailableError, match="no room"):
        await broken.settle([])
    with pytest.raises(UnavailableError, match="no room"):
        await running
    with pytest.raises(UnavailableError, match="no room"):
        await asyncio.wait_for(broken.settle([]), timeout=5)


def test_a_run_that_ends_leaves_nobody_waiting_for_a_write() -> None:
    asyncio.run(_a_run_that_ends())


async def _a_run_that_ends() -> None:
    ending = settler(NeverDone())
    running = asyncio.create_task(ending.run())
    waiting = asyncio.create_task(ending.settle([]))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(UnavailableError, match="ending"):
        await asyncio.wait_for(waiting, timeout=5)

"""Shares that are given, and whose claim passes on before what is under way has ended: as when a worker stood still meanwhile."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from syncflow.runtime.journal.claims import Claim, Workers
from syncflow.runtime.sharing import Shares, _Share
from tests.runtime.programs import program

SHARE = "system a"


class Systems:
    """Notes what is dropped; what is under way there ends when it is left at once, else never."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self._left = asyncio.Event()

    async def drop(self, name: str, *, at_once: bool) -> None:
        if at_once:
            self._left.set()
        try:
            await self._left.wait()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        finally:
            self.told.append(f"{name} {'left' if at_once else 'let end'}")

    def begin(self, _program: Any) -> None:
        self.told.append("begun anew")

    def look(self) -> None:
        self._left.set()


class Journal:
    """Lets go of whatever it is asked to."""

    async def release(self, claim: Claim) -> None:
        """Let go."""

    async def look(self, *, waits: str = "", quick: bool = True) -> Workers:
        del waits, quick
        return Workers()

    def gone(self, _worker: Any) -> bool:
        return False


def shares_of(systems: Systems, group: asyncio.TaskGroup) -> tuple[Shares, _Share]:
    """One worker that holds one share, and is about to give it."""
    clock = SimpleNamespace(monotonic=asyncio.get_running_loop().time, now=lambda: 0.0)
    run = SimpleNamespace(
        systems=systems, program=program(), clock=clock, news=lambda: None, tally=SimpleNamespace(open=0)
    )
    known: dict[str, Any] = {"run": run, "journal": Journal(), "written": None, "open_reading": None}
    shares = Shares(me=1, group=group, **known)
    share = _Share(Claim(SHARE, 2), cast("Any", None), since=0.0, lasts_until=10.0, begun=True)
    shares._held[SHARE] = share
    share.giving = group.create_task(shares._give(share))
    return shares, share


def test_what_is_being_given_has_ended_when_it_is_lost() -> None:
    """It went on, and ended what the worker had begun by its next claim: two dispatchers sent to one system, and one never ended."""

    async def main() -> list[str]:
        systems = Systems()
        async with asyncio.TaskGroup() as group:
            shares, share = shares_of(systems, group)
            await asyncio.sleep(0)
            await shares._lose(share)
            systems.told.append("lost")
            assert share.giving is not None
            assert share.giving.done()
        return systems.told

    assert asyncio.run(main()) == ["a let end", "a left", "lost"]


def test_what_is_being_given_is_given_before_a_changed_project_is_sent_by() -> None:
    """It was ended twice, and the exchange failed."""

    async def main() -> list[str]:
        systems = Systems()
        async with asyncio.TaskGroup() as group:
            shares, _ = shares_of(systems, group)
            await asyncio.sleep(0)
            systems.look()  # what is under way ends
            shares._leaving = True  # nothing is taken
            await shares.exchange(program())
        return systems.told

    assert asyncio.run(main()) == ["a let end", "begun anew"]

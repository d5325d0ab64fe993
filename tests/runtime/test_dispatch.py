"""A dispatcher whose work fails at once, again and again, stops its system and leaves the loop to everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from random import Random
from typing import Any

from syncflow.compiler.policies import RetryPolicy
from syncflow.runtime.bulkheads import Bugs
from syncflow.runtime.delivery.assignment import Assignment
from syncflow.runtime.delivery.dispatch import Dispatcher
from syncflow.runtime.delivery.limits import Limiter
from syncflow.runtime.delivery.retry import Retries
from syncflow.runtime.delivery.settle import Settler
from syncflow.runtime.delivery.stop_after import StopAfter
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.runtime.observe import Tally
from syncflow.testing import VirtualClock, run_virtually
from syncflow.testing.fakes import FakeSystem
from tests.runtime.programs import route, system


class SpunError(BaseException):
    """The same was tried so often that nothing else had its turn; no bulkhead holds this back."""


class NoMoreWaits:
    """A task factory for a loop in which nothing can wait for an event any more."""

    def __init__(self, *, most: int) -> None:
        self.refused = 0
        self._most = most

    def __call__(
        self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **more: Any
    ) -> asyncio.Task[Any]:
        if getattr(work, "__qualname__", "") != asyncio.Event.wait.__qualname__:
            return asyncio.Task(work, loop=loop, **more)
        work.close()
        self.refused += 1
        if self.refused > self._most:
            raise SpunError
        raise RuntimeError("no more waits")


def test_a_failure_that_comes_back_at_once_stops_the_system_and_does_not_spin(tmp_path: Path) -> None:
    async def main() -> tuple[str, int]:
        clock = VirtualClock()
        journal = SqliteJournal(tmp_path / "j.db", inline=True, now=clock.now)
        await journal.open(fingerprint="f")
        dispatcher = _dispatcher(journal, clock)
        running = asyncio.create_task(dispatcher.run())
        await asyncio.sleep(1)  # it waits for something to send
        loop, refusing = asyncio.get_running_loop(), NoMoreWaits(most=20)
        loop.set_task_factory(refusing)  # type: ignore[arg-type]  # asked with keywords that the protocol does not name
        dispatcher.flush()
        await asyncio.sleep(1)
        loop.set_task_factory(None)
        dispatcher.close()
        await running
        await journal.close(finished=True)
        return dispatcher.stopped, refusing.refused

    stopped, refused = run_virtually(main())
    assert stopped == "bug: an unforeseen RuntimeError while batches were made; the log shows where"
    assert refused == 2  # once while it ran; once more after it had stopped


def _dispatcher(journal: SqliteJournal, clock: VirtualClock) -> Dispatcher:
    plan = system("a")
    limiter = Limiter(plan.windows, in_flight=plan.in_flight, clock=clock)
    return Dispatcher(
        Assignment(
            plan=plan,
            routes={"a": route("a")},
            system=FakeSystem(plan, limiter),
            limiter=limiter,
            journal=journal,
            settler=Settler(journal),
            stop_after=StopAfter(1000),
            retries=Retries(RetryPolicy(8, 0.5, 300.0, 86400.0), Random(1)),
            clock=clock,
            tally=Tally(),
            batch_ids=lambda: "b",
            changed=lambda: None,
            backlog=False,
            bugs=Bugs(),
        )
    )

"""A journal that several workers share, in values: see ``SharedJournal``; the tables are ``tables/sharing.py``."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection
from typing import Any

from syncflow.runtime.journal.base import Activated, Activation, Journal
from syncflow.runtime.journal.claims import Claim, Claimed, Worker, Workers, system_of
from syncflow.runtime.journal.tables.executors import Executor
from syncflow.runtime.journal.tables.journal import TabularJournal, positions, usages
from syncflow.runtime.journal.tables.sharing import READS
from syncflow.runtime.standing import Standing

FENCED = frozenset({
    "commit", "sending", "unsent", "settle", "tidy", "set_aside", "note_usage", "stand", "note_requests", "note_lags",
    "note_job", "end_job", *READS,
})  # fmt: skip
"""The calls that are about what a share's holder alone writes or reads."""


class TabularSharedJournal(TabularJournal):
    """See ``SharedJournal``. ``renewals`` carries out ``look`` beside all other calls: a long one must not let the claims end."""

    def __init__(
        self,
        executor: Executor,
        *,
        renewals: Executor,
        is_gone: Callable[[Worker], bool] = lambda _: False,
        **clocks: Any,
    ) -> None:
        super().__init__(executor, **clocks)
        self._renewals = renewals
        self._is_gone = is_gone
        self._under: Claim | None = None

    async def _start(self) -> None:
        await super()._start()
        await self._renewals.start()

    async def _let_go(self) -> None:
        await self._renewals.stop()
        await super()._let_go()

    async def _call(self, name: str, *arguments: Any) -> Any:
        if self._under is not None and name in FENCED:
            return await super()._call("fenced", *self._under, name, arguments)
        return await super()._call(name, *arguments)

    async def look(self, *, waits: str = "", quick: bool = True) -> Workers:
        found = await self._renewals.call("look", waits, quick)
        return Workers(
            living=tuple(Worker(*row) for row in found["living"]),
            holders={share: (worker, epoch) for share, worker, epoch in found["holders"]},
            program=found["program"],
            open=found["open"],
        )

    async def claim(self, share: str, *, gone: Collection[int] = (), monotonic: float = 0.0) -> Claimed | None:
        found = await self._call("claim", share, list(gone), self._moment(), monotonic)
        return None if found is None else _claimed(share, found)

    async def release(self, claim: Claim) -> None:
        await self._call("release", *claim)

    async def take_over(
        self, fingerprint: str, program: Activation, *, gone: Collection[int] = (), at: float
    ) -> Activated | None:
        activated: Activated | None = await self._call("take_over", fingerprint, program, list(gone), at)
        return activated

    def under(self, claim: Claim) -> Journal:
        fenced = copy.copy(self)
        fenced._under = claim
        return fenced

    def gone(self, worker: Worker) -> bool:
        return self._is_gone(worker)


def _claimed(share: str, found: dict[str, Any]) -> Claimed:
    usage = usages(found.get("usage", ())).get(system_of(share))
    standings = [Standing(**row) for row in found.get("standings", ())]
    return Claimed(
        Claim(share, found["epoch"]),
        ended_ago=found["ended_ago"],
        last_event=found.get("last_event", 0),
        last_delivery=found.get("last_delivery", 0),
        positions=positions(found.get("positions", ())),
        usage=usage,
        standing=standings[0] if standings else None,
    )

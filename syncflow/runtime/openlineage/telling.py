"""Post what a run does to a receiver of OpenLineage: at its start, while it goes on, at its end. What fails here does not reach the run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import orjson

from syncflow.clock import Clock
from syncflow.compiler.lineage.ways import Way
from syncflow.config.models.lineage import LineageSettings
from syncflow.config.models.routes import RoutesFile
from syncflow.runtime.ending import Ending
from syncflow.runtime.observe import Tally, warn
from syncflow.runtime.openlineage.events import RunFacts, State, event

ENDING_SECONDS = 5.0
"""Longest wait for the receiver at the end of a run."""
PATH = "/api/v1/lineage"
_SIGNALS = frozenset({"SIGINT", "SIGTERM"})


class Post(Protocol):
    """What posts a body; ``adapters.posting.Poster`` over HTTP, a fake in a test."""

    async def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> str:
        """Return why it was not taken, without the address; empty where it was."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Who is told. ``namespace`` is empty where none is given."""

    url: str
    headers: Mapping[str, str]
    namespace: str
    every: float


def receiver_of(routes: RoutesFile, environment: Mapping[str, str]) -> Receiver | None:
    """Return who is told, by ``lineage:`` and the variables of OpenLineage; None where nobody is, or OPENLINEAGE_DISABLED is true."""
    if environment.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true":
        return None
    settings = routes.lineage or LineageSettings()
    base = settings.to or environment.get("OPENLINEAGE_URL", "").strip()
    if not base:
        return None
    key = environment.get("OPENLINEAGE_API_KEY", "").strip()
    return Receiver(
        url=_whole(base, environment.get("OPENLINEAGE_ENDPOINT", "").strip() or PATH),
        headers=settings.headers or ({"Authorization": f"Bearer {key}"} if key else {}),
        namespace=settings.namespace or environment.get("OPENLINEAGE_NAMESPACE", "").strip(),
        every=settings.every,
    )


def _whole(base: str, path: str) -> str:
    return base if urlsplit(base).path.strip("/") else f"{base.rstrip('/')}/{path.lstrip('/')}"


class Telling:
    """``ways``: what there is to tell of. ``tally``: the counts of the run."""

    def __init__(
        self,
        receiver: Receiver,
        *,
        told: RunFacts,
        ways: Sequence[Way],
        post: Post,
        tally: Callable[[], Tally],
        clock: Clock,
    ) -> None:
        self._receiver = receiver
        self._told = told
        self._ways = ways
        self._post = post
        self._tally = tally
        self._clock = clock

    async def run(self) -> None:
        """Tell the start, and that it goes on, until cancelled; never raises."""
        await self._tell("START")
        while True:
            await self._clock.sleep(self._receiver.every)
            await self._tell("RUNNING")

    async def end(self, ending: Ending | None, error: str = "") -> None:
        """Tell how it ended, as far as the receiver answers in time; ``error``: what it ended with."""
        try:
            async with asyncio.timeout(ENDING_SECONDS):
                await self._tell_all(lambda way: _state(way, ending, error, is_streaming=self._told.is_streaming))
        except TimeoutError:
            self._failed("it did not answer before the run ended")

    async def _tell(self, state: State) -> None:
        await self._tell_all(lambda _way: (state, ""))

    async def _tell_all(self, state_of: Callable[[Way], tuple[State, str]]) -> None:
        """Post an event for each way; where one is not taken the others are left, for they would not be taken either."""
        try:
            tally, now = self._tally(), self._clock.now()
            for way in self._ways:
                state, error = state_of(way)
                written = None if state == "START" else _written(tally, way)
                body = orjson.dumps(event(self._told, way, state, at=now, written=written, error=error))
                why = await self._post(self._receiver.url, body, dict(self._receiver.headers))
                if why:
                    self._failed(why)
                    return
        except Exception as error:  # noqa: BLE001  # a bulkhead: a catalog costs a run nothing
            self._failed(type(error).__name__)

    def _failed(self, reason: str) -> None:
        warn("lineage.failed", host=urlsplit(self._receiver.url).hostname or "", reason=reason)


def _written(tally: Tally, way: Way) -> int:
    found = tally.routes.get(way.route)
    return 0 if found is None else found.delivered


def _state(way: Way, ending: Ending | None, error: str, *, is_streaming: bool) -> tuple[State, str]:
    """Say how a way's run ended: FAIL where the run or its system failed, ABORT where it was stopped before its work was done.

    A signal is how a run ends that has no end of its own.
    """
    if error or ending is None:
        return "FAIL", error or "the run was broken off"
    stopped = next((each for each in ending.systems_stopped if each.startswith(f"{way.system}: ")), "")
    if stopped:
        return "FAIL", stopped
    is_done = not ending.stopped or (is_streaming and ending.stopped in _SIGNALS)
    return ("COMPLETE" if is_done else "ABORT"), ""

"""Look every few seconds for what is wrong, and post it: beside a run, which knows nothing of it.

A receiver that does not answer is tried again, with what is then to be told; after some failures in a row it is left alone for a while.
Nothing that fails here reaches the run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast
from urllib.parse import urlsplit

from syncflow.clock import Clock
from syncflow.config.models.alerts import AlertCause, AlertSettings
from syncflow.errors import SyncflowError
from syncflow.runtime.alerts.causes import Cause, causes, ended
from syncflow.runtime.alerts.keeping import Key
from syncflow.runtime.alerts.messages import body_of
from syncflow.runtime.alerts.standing import AlertStands, ReceiverStands, Standing, id_of
from syncflow.runtime.alerts.told import Alert, AlertMemory
from syncflow.runtime.desk.gauges import Gauges
from syncflow.runtime.observe import Tally, note, warn
from syncflow.runtime.run_name import RunName

LOOK_SECONDS = 10.0
UNSURE_SECONDS = 60.0
"""How long a run that has just begun does not say that something is over which an earlier one told."""
ENDING_SECONDS = 10.0
"""Longest wait for receivers at the end of a run."""
_TRIES = 3
_MOST_WAIT_SECONDS = 300.0

Ask = Callable[[], Awaitable[Gauges]]
Keep = Callable[[Standing, Collection[Key]], Awaitable[None]]


async def _keep_nothing(_standing: Standing, _gone: Collection[Key]) -> None:
    pass


class Post(Protocol):
    """What posts a body; ``adapters.posting.Poster`` over HTTP, a fake in a test."""

    async def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> str:
        """Return why it was not taken, without the address; empty where it was."""
        ...


@dataclass(slots=True)
class _Receiver:
    settings: AlertSettings
    told: AlertMemory
    since: dict[tuple[str, str], float] = field(default_factory=dict)
    """When what is wrong was first seen, in wall seconds."""
    told_at: dict[tuple[str, str], float] = field(default_factory=dict)
    """When it was told last, in wall seconds."""
    found: dict[tuple[str, str], Cause] = field(default_factory=dict)
    failing: str = ""
    failures: int = 0
    again_at: float = field(default=float("-inf"))

    @property
    def host(self) -> str:
        """What may be shown of its address."""
        return urlsplit(self.settings.to).hostname or ""

    @property
    def id(self) -> str:
        return id_of(self.settings)

    def see(self, found: list[Cause], *, now: float) -> None:
        """Remember what is wrong, and since when (wall seconds)."""
        self.found = {(cause.kind, cause.subject): cause for cause in (*self.told.lasting(), *found)}
        self.since = {key: self.since.get(key, now) for key in self.found}

    def alerts(self) -> Iterator[AlertStands]:
        for key, cause in self.found.items():
            told_at = self.told_at.get(key, 0.0)
            yield AlertStands(
                self.id, *key, cause.words, cause.count, cause.passes, round(self.since[key], 3), round(told_at, 3)
            )

    def stands(self) -> ReceiverStands:
        each = self.settings
        return ReceiverStands(
            self.id, self.host, each.shape, tuple(each.causes), each.every, each.parked, each.lag, self.failing
        )


class Watch:
    """``tally``: the counts of a run; ``ask``: what its journal holds; ``keep``: what keeps there how alerts stand, and which are over.

    ``before``: how they stood when the run began.
    """

    def __init__(
        self,
        settings: Sequence[AlertSettings],
        *,
        post: Post,
        tally: Callable[[], Tally],
        ask: Ask,
        keep: Keep = _keep_nothing,
        before: Standing | None = None,
        clock: Clock,
        project: str,
        name: RunName,
    ) -> None:
        self._receivers = [_Receiver(each, AlertMemory(each.every)) for each in settings]
        self._post = post
        self._tally = tally
        self._ask = ask
        self._clock = clock
        self._project = project
        self._name = name
        self._parked_since: dict[str, float] = {}
        self._keep = keep
        self._before = before
        self._kept = before
        self._wants_letters = any("dead_letters" in each.causes for each in settings)

    async def run(self) -> None:
        """Look until cancelled; never raises."""
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            await self.look()

    async def end(self, error: str = "") -> None:
        """Tell what is wrong at the end of a run, as far as receivers answer in time; ``error``: what it ended with."""
        try:
            async with asyncio.timeout(ENDING_SECONDS):
                await self.look(*([ended(error)] if error else []), at_end=True)
        except TimeoutError:
            warn("alert.failed", reason="the receivers did not answer before the run ended")

    async def look(self, *more: Cause, at_end: bool = False) -> None:
        """Look once, and tell what is due."""
        try:
            if self._before is not None:
                self._restore(self._before)
                self._before = None
            gauges = await self._held()
            tally, now = self._tally(), self._clock.monotonic()
            parked = {name for name, system in tally.systems.items() if system.parked}
            self._parked_since = {name: self._parked_since.get(name, now) for name in parked}
            for receiver in self._receivers:
                extra = [cause for cause in more if cause.kind in receiver.settings.causes]
                found = causes(tally, gauges, receiver.settings, parked_since=self._parked_since, now=now)
                if at_end or now >= receiver.again_at:
                    silent = {name for name, system in tally.systems.items() if system.silent}
                    if tally.worker is not None:  # another one may hold it
                        silent |= {each.subject for each in receiver.told.lasting()} - set(tally.systems)
                    due = receiver.told.due(
                        [*found, *extra], now=now, unknown=() if gauges else ("dead_letters",), silent=silent
                    )
                    await self._tell(receiver, due, now)
                receiver.see([*found, *extra], now=self._clock.now())
            await self._note()
        except Exception as error:  # noqa: BLE001  # a bulkhead: alerts cost a run nothing
            warn("alert.failed", reason=type(error).__name__)

    def _restore(self, before: Standing) -> None:
        """Go on where an earlier run was; what cannot be over is told by each run anew."""
        now, wall = self._clock.monotonic(), self._clock.now()
        for receiver in self._receivers:
            for each in before.alerts:
                if each.receiver == receiver.id and each.passes and each.told_at:
                    key = cast("AlertCause", each.kind), each.subject
                    receiver.told.restore(
                        Cause(*key, each.words, each.count),
                        told_at=now - max(0.0, wall - each.told_at),
                        unsure_until=now + UNSURE_SECONDS,
                    )
                    receiver.since[key], receiver.told_at[key] = each.since, each.told_at
                    if each.kind == "parked":
                        self._parked_since[each.subject] = float("-inf")

    async def _note(self) -> None:
        """Keep how alerts stand where that has changed; words alone, such as those of a lag, are no change."""
        standing = Standing(
            tuple(receiver.stands() for receiver in self._receivers),
            tuple(alert for receiver in self._receivers for alert in receiver.alerts()),
        )
        before = Standing() if self._kept is None else self._kept
        if standing.without_words() == before.without_words():
            return
        gone = {each.key for each in before.alerts} - {each.key for each in standing.alerts}
        try:
            await self._keep(standing, gone)
        except SyncflowError:
            return  # it is written with the next look
        self._kept = standing

    async def _held(self) -> Gauges | None:
        """None where it cannot be found out: then nothing is told of dead letters, not that they are over."""
        if not self._wants_letters:
            return None
        try:
            return await self._ask()
        except SyncflowError:
            return None

    async def _tell(self, receiver: _Receiver, due: Sequence[Alert], now: float) -> None:
        for alert in due:
            if why := await self._posted(receiver, alert):
                receiver.failures += 1
                receiver.failing = why
                wait = min(LOOK_SECONDS * 2**receiver.failures, _MOST_WAIT_SECONDS)
                receiver.again_at = now + wait
                warn("alert.failed", host=receiver.host, reason=why, seconds=wait)
                return
            receiver.failures, receiver.failing = 0, ""
            receiver.told.tell(alert, now=now)
            receiver.told_at[alert.cause.kind, alert.cause.subject] = self._clock.now()
            note(
                "alert.sent", host=receiver.host, alert=alert.cause.kind, state=alert.state, subject=alert.cause.subject
            )

    async def _posted(self, receiver: _Receiver, alert: Alert) -> str:
        settings = receiver.settings
        body = body_of(alert, settings.shape, project=self._project, name=self._name, at=self._clock.now())
        why = ""
        for number in range(_TRIES):
            if number:
                await self._clock.sleep(0.5 * 2**number)
            why = await self._post(settings.to, body, dict(settings.headers))
            if not why:
                return ""
        return why

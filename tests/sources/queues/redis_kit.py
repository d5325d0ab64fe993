"""A stream on a private Redis, and a source of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError

from syncflow.clock import Clock, SystemClock
from syncflow.config.models.source_redis import RedisSource
from syncflow.events import Raw
from syncflow.sources.queues import Queue, opened_queue
from syncflow.sources.queues.redis import RedisStream, redis_streams
from syncflow.sources.queues.redis_client import Word, reworded
from syncflow.sources.reopening import Reopening
from tests.servers.redis import Server


class Stream:
    """A stream of its own for a test, seen by whoever writes it."""

    _numbers = count(1)

    def __init__(self, server: Server) -> None:
        self.server = server
        self.key = f"contacts-{next(self._numbers)}"
        self.client = server.client()

    def add(self, *bodies: str, field: str = "body") -> list[str]:
        return [self.client.xadd(self.key, {field: body}).decode() for body in bodies]

    def settings(self, **changes: Any) -> RedisSource:
        given = {"url": self.server.url, "stream": self.key, "field": "body"}
        return RedisSource.model_validate({name: value for name, value in (given | changes).items() if value})

    def broker(self, clock: Clock | None = None, **changes: Any) -> RedisStream:
        return self.brokers(clock, **changes)()

    def brokers(self, clock: Clock | None = None, **changes: Any) -> Callable[[], RedisStream]:
        """Return what makes a client for each opening."""
        return redis_streams(self.settings(**changes), base=Path(), clock=clock or SystemClock())

    def source(self, *, is_preview: bool = False, **changes: Any) -> Any:
        clock, settings = SystemClock(), self.settings(**changes)
        make = redis_streams(settings, base=Path(), clock=clock, is_preview=is_preview)
        return opened_queue(make, max_event=settings.max_event, clock=clock, sample=is_preview)

    def pending(self) -> list[str]:
        found = self.client.xpending_range(self.key, "syncflow", "-", "+", 100_000)
        return [entry["message_id"].decode() for entry in found]

    def ids(self) -> list[str]:
        return [entry.decode() for entry, _ in self.client.xrange(self.key)]


class SetClock(SystemClock):
    """Its monotonic time is set by a test."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


async def read(source: Reopening | Queue, wanted: int, *, most: int = 100) -> list[Raw]:
    raws: list[Raw] = []
    while len(raws) < wanted:
        raws += await source.read(most=most)
    return raws


def texts(raws: Sequence[Raw]) -> list[str]:
    return [raw.body.decode() for raw in raws]


class Answers:
    """A server that answers as it is told: by the first word of a command, a value, or an error."""

    def __init__(self, answers: Callable[[Sequence[Word]], Any]) -> None:
        self.answers = answers
        self.heard: list[Sequence[Word]] = []

    async def run(self, *words: Word) -> Any:
        self.heard.append(words)
        answer = self.answers(words)
        if isinstance(answer, RedisError):
            raise reworded(answer, rights="ACL SETUSER sync")
        return answer

    async def close(self) -> None: ...

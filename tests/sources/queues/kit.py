"""What the tests of real brokers share: a reader that knows messages by their ids, as the journal does."""

from __future__ import annotations

import asyncio
import json

from syncflow.errors import SyncflowError
from syncflow.events import Raw
from syncflow.sources.base import Source
from syncflow.sources.queues.base import Broker
from tests.patience import PATIENCE


class Committed:
    """Reads and acknowledges; ``numbers`` are those of the bodies, each once, in the order in which they were new."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.ids: set[str] = set()
        self.numbers: list[int] = []
        self.repeated = 0

    async def take(self, *, most: int = 500) -> None:
        raws = await asyncio.wait_for(self.source.read(most=most), timeout=PATIENCE)
        for raw in raws:
            if raw.event_id in self.ids:
                self.repeated += 1
                continue
            self.ids.add(raw.event_id)
            self.numbers.append(number_of(raw))
        if raws:
            await self.source.acknowledge(raws[-1].position)

    async def take_until(self, count: int) -> None:
        while len(self.numbers) < count:
            await self.take()


def number_of(raw: Raw) -> int:
    return int(json.loads(raw.body)["n"])


async def error_of(broker: Broker) -> tuple[str, str, str]:
    """Return the kind, message and hint of the error that opening and starting ends with."""
    try:
        await broker.open()
        await broker.start()  # type: ignore[attr-defined]  # both have it
        await asyncio.wait_for(broker.receive(most=1), timeout=PATIENCE)
    except SyncflowError as error:
        return type(error).__name__, error.message, error.hint
    finally:
        await broker.close(())
    raise AssertionError("it can be read")

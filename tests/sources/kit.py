"""What the tests of sources share: a clock that never waits, a loop whose time is its own, and ways to read all there is."""

from __future__ import annotations

import asyncio
import contextlib
import selectors
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from syncflow.config.models.schema import SchemaNode
from syncflow.events import Position, Raw
from syncflow.sources import Source

T = TypeVar("T")

CONTACT = SchemaNode.model_validate(
    {
        "type": "object",
        "required": ["id", "name", "contact_type"],
        "properties": {
            "id": {"type": "string", "minLength": 1, "maxLength": 255},
            "name": {"type": "string", "minLength": 1, "maxLength": 200},
            "email": {"type": ["string", "null"], "format": "email", "maxLength": 80},
            "phone": {"type": ["string", "null"], "maxLength": 40},
            "contact_type": {
                "type": "string",
                "enum": ["lead", "prospect", "employee", "customer", "partner", "vendor"],
            },
            "created_at": {"type": "string", "format": "date-time"},
            "updated_at": {"type": "string", "format": "date-time"},
        },
    }
)


class StepClock:
    """Every sleep ends at once, after doing the next of the steps: what the outside does while somebody waits."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self._steps = list(steps)
        self.time = 1_000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        if self._steps:
            self._steps.pop(0)()
        await asyncio.sleep(0)


class _NoWaitSelector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.time += max(1e-7, timeout or 0.0)  # time never stands: what waits for a rounding error must see its end
        return super().select(0)


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._own = _NoWaitSelector()
        super().__init__(self._own)

    def time(self) -> float:
        return self._own.time


def run_in_virtual_time(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run on a loop whose clock jumps to the next timer instead of waiting for it."""
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(main())


async def drain(source: Source, *, most: int = 1000) -> list[Raw]:
    """Read to the end of a finite source."""
    found: list[Raw] = []
    while chunk := await source.read(most=most):
        found += chunk
    return found


async def read_all(
    source: Source, acknowledged: Mapping[str, Position] | None = None, *, most: int = 1000
) -> list[Raw]:
    """Open, read to the end, close."""
    await source.open(acknowledged or {})
    try:
        return await drain(source, most=most)
    finally:
        await source.close()


async def take(source: Source, count: int) -> list[Raw]:
    """Read until so many events came."""
    found: list[Raw] = []
    while len(found) < count:
        chunk = await source.read(most=count - len(found))
        assert chunk, f"the source ended after {len(found)} of {count} events"
        found += chunk
    return found


async def cancelled_after(source: Source, turns: int) -> Sequence[Raw]:
    """Start to read, and cancel after so many turns of the loop; return what it gave if it was quicker."""
    reading = asyncio.ensure_future(source.read(most=7))
    for _ in range(turns):
        await asyncio.sleep(0)
    reading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        return await reading
    return ()


def bodies(raws: Sequence[Raw]) -> list[bytes]:
    return [raw.body for raw in raws]


def schema(text: str) -> SchemaNode:
    return SchemaNode.model_validate(yaml.safe_load(text))


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
